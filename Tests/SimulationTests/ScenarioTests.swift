import Foundation
import Simulator
import Testing

/// One scenario file beside this one.
struct ScenarioCase: CustomTestStringConvertible, Sendable {
    let url: URL

    var testDescription: String { url.deletingPathExtension().lastPathComponent }
    var trace: URL { url.deletingPathExtension().appendingPathExtension("trace") }

    static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("Scenarios")

    static let all: [ScenarioCase] = {
        let files = try? FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
        return (files ?? []).filter { $0.pathExtension == "scenario" }
            .sorted { $0.lastPathComponent < $1.lastPathComponent }.map { ScenarioCase(url: $0) }
    }()

    func read() throws -> ScenarioFile {
        try ScenarioFile(parsing: String(contentsOf: url, encoding: .utf8))
    }

    /// Without the files that say themselves why they are not played.
    static let playable = all.filter { (try? $0.read())?.pending == nil }
}

@Suite(.timeLimit(.minutes(5))) struct `Scenario files` {
    /// Set to any value, traces are written anew instead of being compared.
    private static let records = ProcessInfo.processInfo.environment["BRIDGEHEAD_RECORD_TRACES"] != nil

    @Test(arguments: ScenarioCase.playable)
    func `a scenario goes as its file says, and as it went before`(_ scenario: ScenarioCase) async throws {
        let lines = try await ScenarioPlayer.play(scenario.read())
        let text = lines.map { "\($0)\n" }.joined()
        if Self.records { return try text.write(to: scenario.trace, atomically: true, encoding: .utf8) }
        let recorded = try String(contentsOf: scenario.trace, encoding: .utf8)
        guard recorded != text else { return }
        let before = recorded.split(separator: "\n").map(String.init)
        Issue.record("the trace changed:\n\(Self.difference(from: before, to: lines))")
    }

    @Test(arguments: ScenarioCase.all)
    func `a scenario file begins with a sentence that says what it shows`(_ scenario: ScenarioCase) throws {
        let text = try String(contentsOf: scenario.url, encoding: .utf8)
        #expect(text.hasPrefix("# "))
        #expect(text.contains("\nconverge\n"))
        #expect(text.contains("\nexpect "))
        _ = try scenario.read()
    }

    @Test func `every trace belongs to a scenario that is played`() throws {
        let files = try FileManager.default.contentsOfDirectory(
            at: ScenarioCase.folder,
            includingPropertiesForKeys: nil
        )
        let traces = files.filter { $0.pathExtension == "trace" }.map(\.lastPathComponent).sorted()
        #expect(traces == ScenarioCase.playable.map(\.trace.lastPathComponent))
        #expect(ScenarioCase.playable.count >= 25)
    }

    @Test(arguments: ["gap-in-the-middle", "move-cycle-of-three"])
    func `a scenario plays the same again`(_ name: String) async throws {
        let scenario = ScenarioCase(url: ScenarioCase.folder.appendingPathComponent("\(name).scenario"))
        let first = try await ScenarioPlayer.play(scenario.read())
        let second = try await ScenarioPlayer.play(scenario.read())
        #expect(first == second)
    }

    @Test func `a scenario that goes otherwise fails at its line`() async throws {
        let file = try ScenarioFile(
            parsing: """
                forest hq van
                hq: add CN=a,$config container
                expect hq @a shows description=none
                converge
                """
        )
        let failure = await #expect(throws: ScenarioFailure.self) { try await ScenarioPlayer.play(file) }
        #expect(failure?.line == 3)
        #expect(failure?.reason == "hq shows description=")
    }

    /// The lines that differ, with what stands before them.
    private static func difference(from before: [String], to after: [String]) -> String {
        let changes = after.difference(from: before)
        var lines: [(Int, String)] = []
        for change in changes {
            switch change {
            case .remove(let offset, let line, _): lines.append((offset, "- \(offset + 1): \(line)"))
            case .insert(let offset, let line, _): lines.append((offset, "+ \(offset + 1): \(line)"))
            }
        }
        return lines.sorted { $0.0 < $1.0 }.prefix(40).map { "    \($0.1)\n" }.joined()
    }
}
