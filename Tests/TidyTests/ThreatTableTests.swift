import Foundation
import Testing

/// docs/testing.md names tests; a name that nothing has would be a claim without a test.
@Suite struct `The table of threats` {
    private static let endings = [".vector": "Tests/Vectors", ".scenario": "Tests/SimulationTests/Scenarios"]

    @Test func `names tests, mails and scenarios that exist`() throws {
        let text = try String(
            contentsOf: Tidy.root.appendingPathComponent("docs/testing.md"),
            encoding: .utf8
        )
        let start = try #require(text.range(of: "## What hostile mail may do"))
        let section = text[start.upperBound...].prefix { $0 != "\u{0}" }
        let end = section.range(of: "\n## ")?.lowerBound ?? section.endIndex
        let tests = try Tidy.swiftFiles(below: "Tests").map { try String(contentsOf: $0, encoding: .utf8) }
            .joined()
        var names = 0
        for row in section[..<end].split(separator: "\n") where row.hasPrefix("| ") {
            for match in row.matches(of: /`([^`]+)`/) {
                let name = String(match.1)
                names += 1
                let folder = Self.endings.first { name.hasSuffix($0.key) }?.value
                let isThere =
                    if let folder {
                        FileManager.default.fileExists(
                            atPath: Tidy.root.appendingPathComponent("\(folder)/\(name)").path
                        )
                    } else { tests.contains("func `\(name)`(") }
                #expect(isThere, "nothing is called \(name)")
            }
        }
        #expect(names > 70)
    }
}
