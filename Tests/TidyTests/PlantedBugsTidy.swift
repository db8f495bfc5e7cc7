import Foundation
import Testing

/// Faults that are put in on purpose: none gets into a program by accident, and each has a rule and a place.
@Suite struct PlantedBugsTidy {
    /// The one file that knows which build it is in.
    static let seam = "PlantedBug.swift"

    private static let declaration = "Sources/Identifiers/\(seam)"

    private func text(_ path: String) throws -> String {
        try String(contentsOf: Tidy.root.appendingPathComponent(path), encoding: .utf8)
    }

    /// The names of all bugs, with what stands above them.
    private func bugs() throws -> [(name: String, sentence: String)] {
        var bugs: [(String, String)] = []
        var sentence: [String] = []
        for line in try text(Self.declaration).components(separatedBy: "\n") {
            let line = line.trimmingCharacters(in: .whitespaces)
            if line.hasPrefix("/// ") {
                sentence.append(String(line.dropFirst(4)))
            } else {
                if line.hasPrefix("case ") {
                    bugs.append((String(line.dropFirst(5)), sentence.joined(separator: " ")))
                }
                sentence = []
            }
        }
        return bugs
    }

    @Test func `only the seam asks for the build, and the program refuses it`() throws {
        var files: Set<String> = []
        for file in Tidy.swiftFiles(below: "Sources")
        where try String(contentsOf: file, encoding: .utf8).contains("PLANTED_BUGS") {
            files.insert(Tidy.relative(file))
        }
        #expect(files == [Self.declaration, "Sources/bridgehead/Bridgehead.swift"])
        #expect(try text("Sources/bridgehead/Bridgehead.swift").contains("#if PLANTED_BUGS\n#error("))
        let seam = try text(Self.declaration)
        #expect(seam.contains("@inlinable\npackage func planted(_ bug: PlantedBug) -> Bool { false }"))
    }

    @Test func `the trait is never on unless the simulator's script turns it on`() throws {
        let manifest = try text("Package.swift")
        #expect(manifest.contains(#".define("PLANTED_BUGS", .when(traits: ["PlantedBugs"]))"#))
        #expect(manifest.components(separatedBy: "PLANTED_BUGS").count == 2)
        #expect(!manifest.contains(".default("))
        var scripts: Set<String> = []
        for folder in ["scripts", ".ci"] {
            let names = try FileManager.default.contentsOfDirectory(
                atPath: Tidy.root.appendingPathComponent(folder).path
            )
            for name in names where try text("\(folder)/\(name)").contains("PlantedBugs") {
                scripts.insert("\(folder)/\(name)")
            }
        }
        #expect(scripts == ["scripts/simulate"])
        #expect(try !text("Dockerfile").contains("--traits"))
    }

    @Test func `every planted bug names its section and has a place`() throws {
        let bugs = try bugs()
        #expect(bugs.count >= 24)
        let sections = Set(bugs.map { $0.sentence.prefix(3) })
        #expect(sections.isSuperset(of: ["2: ", "3: ", "4: ", "5: ", "6: ", "7: "]))
        let sources = try Tidy.swiftFiles(below: "Sources").map {
            try String(contentsOf: $0, encoding: .utf8)
        }
        .joined()
        for bug in bugs {
            #expect(bug.sentence.wholeMatch(of: /[2-7]: .*; here .*\./) != nil, "\(bug.name)")
            #expect(sources.contains("planted(.\(bug.name))"), "\(bug.name) is planted nowhere")
        }
    }
}
