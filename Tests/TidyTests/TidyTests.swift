import Foundation
import Testing

/// The house, held by a test: who may import whom, what no source may say, how long a file may grow.
@Suite struct `Tidy` {
    /// An enumerator does not follow a link that it starts at, and would find nothing.
    static let root = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath()
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    /// docs/ARCHITECTURE.md shows this table to people. Arrows only go down.
    static let house: [String: Set<String>] = [
        "Identifiers": [],
        "DirectoryModel": ["Identifiers"],
        "Replication": ["Identifiers", "DirectoryModel"],
        "Topology": ["Identifiers", "DirectoryModel"],
        "SMTP": ["Identifiers"],
        "PKI": ["Identifiers", "COpenSSL", "SwiftASN1", "Glibc", "Synchronization"],
        "SecureMail": ["Identifiers", "PKI", "SMTP", "CZlib", "Glibc", "Synchronization"],
        "InterSiteMessaging": [
            "Identifiers", "SMTP", "PKI", "SecureMail", "CCurl", "NIOCore", "NIOPosix", "NIOSSL",
            "NIOFoundationCompat", "Logging", "Foundation", "Dispatch", "Glibc", "Synchronization",
        ],
        "Store": [
            "Identifiers", "DirectoryModel", "Replication", "GRDB", "GRDBSQLite", "Synchronization",
        ],
        "AdminAPI": ["Identifiers", "DirectoryModel", "Foundation"],
        "AdminClient": [
            "AdminAPI", "Identifiers", "CCurl", "Foundation", "Dispatch", "Glibc", "Synchronization",
        ],
        "Console": [
            "Identifiers", "AdminAPI", "Hummingbird", "HummingbirdCore", "HTTPTypes", "NIOCore", "NIOPosix",
            "Logging", "ServiceLifecycle", "Foundation", "Glibc", "Synchronization",
        ],
        "DomainController": [
            "Identifiers", "DirectoryModel", "Replication", "SMTP", "PKI", "SecureMail",
            "InterSiteMessaging", "Store", "AdminAPI", "Logging", "ServiceLifecycle", "Foundation", "Glibc",
            "Dispatch", "Synchronization",
        ],
        "Simulator": [
            "Identifiers", "DirectoryModel", "Replication", "SMTP", "PKI", "SecureMail",
            "InterSiteMessaging", "Store", "DomainController", "Logging", "Dispatch", "Glibc",
            "Synchronization",
        ],
        "simulate": ["Simulator", "ArgumentParser", "Foundation", "Synchronization"],
        "bridgehead": [
            "Identifiers", "DirectoryModel", "Topology", "DomainController", "InterSiteMessaging",
            "AdminAPI", "AdminClient", "Console", "ArgumentParser", "Yams", "Logging", "ServiceLifecycle",
            "UnixSignals",
            "Foundation", "Glibc", "Dispatch", "Synchronization",
        ],
    ]

    /// No file, socket, clock, randomness or logger: what makes replays and simulation possible.
    static let pure: Set<String> = ["Identifiers", "DirectoryModel", "Replication", "Topology", "SMTP"]

    /// What no source may contain, and what to write instead.
    static let bannedWords: [(pattern: String, instead: String)] = [
        (#"\bTODO\b|\bFIXME\b|\bXXX\b|\bHACK\b"#, "finish it, or leave it out"),
        (#"\btry!"#, "throw"),
        (#"@unchecked Sendable"#, "Mutex or an actor"),
        (#"nonisolated\(unsafe\)"#, "Mutex or an actor"),
        (#"\bfatalError\("#, "throw, or precondition for our own mistakes"),
        (#"\bas! "#, "as? with an error"),
        (#"\b(?!FileManager)\w+(Manager|Helper|Util|Utils)\b"#, "the field's word"),
        // The text of reply 502 is RFC 5321's own (section 4.2.2).
        (
            #"(?i)(?<!502, "5\.5\.1", "command )not (yet )?implemented|\bplaceholder\b"#,
            "finish it, or leave it out"
        ),
    ]

    static func swiftFiles(below folder: String) -> [URL] {
        let base = root.appendingPathComponent(folder)
        guard let all = FileManager.default.enumerator(at: base, includingPropertiesForKeys: nil) else {
            return []
        }
        return all.compactMap { $0 as? URL }.filter { $0.pathExtension == "swift" }.sorted {
            $0.path < $1.path
        }
    }

    static func relative(_ url: URL) -> String { String(url.path.dropFirst(root.path.count + 1)) }

    static func imports(in text: String) -> [String] {
        text.split(separator: "\n").compactMap { line in
            let words = line.split(separator: " ").map(String.init)
            guard let position = words.firstIndex(of: "import"), position + 1 < words.count,
                words[..<position].allSatisfy({
                    ["package", "public", "internal", "private", "fileprivate"].contains($0)
                        || $0.hasPrefix("@")
                })
            else { return nil }
            let kinds: Set<String> = [
                "struct", "class", "enum", "protocol", "func", "typealias", "let", "var",
            ]
            let name = kinds.contains(words[position + 1]) ? words[position + 2] : words[position + 1]
            return name.split(separator: ".").first.map(String.init)
        }
    }

    @Test func `every source folder is a target of the table`() throws {
        let folders = try FileManager.default.contentsOfDirectory(
            atPath: Self.root.appendingPathComponent("Sources").path
        ).filter { !$0.hasPrefix(".") }
        let wrappers: Set<String> = ["CCurl", "CMemory", "COpenSSL", "CZlib"]
        #expect(Set(folders).subtracting(wrappers) == Set(Self.house.keys))
    }

    @Test func `imports follow the house's table`() throws {
        var files = 0
        for (target, allowed) in Self.house {
            for file in Self.swiftFiles(below: "Sources/\(target)") {
                files += 1
                let text = try String(contentsOf: file, encoding: .utf8)
                let isPlanting = file.lastPathComponent == PlantedBugsTidy.seam
                for module in Self.imports(in: text)
                where !allowed.contains(module) && module != "FoundationEssentials"
                    && !(isPlanting && module == "Synchronization")
                {
                    Issue.record("\(Self.relative(file)) imports \(module); \(target) may not")
                }
                if Self.imports(in: text).contains("FoundationEssentials"), !allowed.contains("Foundation") {
                    Issue.record("\(Self.relative(file)) imports FoundationEssentials; \(target) may not")
                }
            }
        }
        #expect(files > 60)
    }

    @Test func `pure targets know no clock, no randomness and no output`() throws {
        let impure = [
            "SystemRandomNumberGenerator", "ContinuousClock", "SuspendingClock", "Date()", ".random(in:",
            "print(", "Task {", "Task.detached", "DispatchQueue",
        ]
        for target in Self.pure {
            for file in Self.swiftFiles(below: "Sources/\(target)") {
                let text = try String(contentsOf: file, encoding: .utf8)
                for (number, line) in text.components(separatedBy: "\n").enumerated() {
                    for word in impure where line.contains(word) && !line.contains("using:") {
                        Issue.record("\(Self.relative(file)):\(number + 1) says \(word)")
                    }
                }
            }
        }
    }

    @Test func `no source contains a banned word`() throws {
        let files = Self.swiftFiles(below: "Sources")
        #expect(files.count > 60)
        for file in files {
            let text = try String(contentsOf: file, encoding: .utf8)
            for (number, line) in text.components(separatedBy: "\n").enumerated() {
                for (pattern, instead) in Self.bannedWords
                where line.range(of: pattern, options: .regularExpression) != nil {
                    Issue.record(
                        "\(Self.relative(file)):\(number + 1) matches \(pattern); instead: \(instead)"
                    )
                }
            }
        }
    }

    @Test func `files stay under 600 lines and functions under 70`() throws {
        let files = Self.swiftFiles(below: "Sources") + Self.swiftFiles(below: "Tests")
        #expect(files.count > 100)
        for file in files {
            let lines = try String(contentsOf: file, encoding: .utf8).components(separatedBy: "\n")
            if lines.count > 600 { Issue.record("\(Self.relative(file)) has \(lines.count) lines") }
            guard Self.relative(file).hasPrefix("Sources/") else { continue }
            for (name, start, length) in Self.functions(in: lines) where length > 70 {
                Issue.record("\(Self.relative(file)):\(start) \(name) has \(length) lines")
            }
        }
    }

    /// Functions by indentation: swift-format puts the closing brace under the declaration's first column.
    static func functions(in lines: [String]) -> [(name: String, start: Int, length: Int)] {
        var found: [(String, Int, Int)] = []
        for (index, line) in lines.enumerated() {
            guard
                let range = line.range(
                    of: #"^\s*([a-z@(): ]+ )?func [^ (]+|^\s*([a-z]+ )*init[?(<]"#,
                    options: .regularExpression
                )
            else { continue }
            let indent = line.prefix { $0 == " " }.count
            let close = String(repeating: " ", count: indent) + "}"
            guard
                let end = lines[index...].firstIndex(where: {
                    $0.hasPrefix(close) && $0.prefix(while: { $0 == " " }).count == indent
                })
            else { continue }
            found.append(
                (String(line[range]).trimmingCharacters(in: .whitespaces), index + 1, end - index + 1)
            )
        }
        return found
    }

    @Test func `every path that ARCHITECTURE names exists`() throws {
        let text = try String(
            contentsOf: Self.root.appendingPathComponent("docs/ARCHITECTURE.md"),
            encoding: .utf8
        )
        let paths = text.matches(of: /`((?:Sources|Tests|scripts|docs|certs)\/[A-Za-z0-9_\/.\-]+)`/).map {
            String($0.1)
        }
        #expect(paths.count >= 8)
        for path in paths {
            #expect(
                FileManager.default.fileExists(atPath: Self.root.appendingPathComponent(path).path),
                "docs/ARCHITECTURE.md names \(path)"
            )
        }
    }

    @Test func `every limit in Sources stands in docs/limits.md`() throws {
        let text = try String(
            contentsOf: Self.root.appendingPathComponent("docs/limits.md"),
            encoding: .utf8
        )
        let rows = text.components(separatedBy: "\n").filter { $0.hasPrefix("| `") }.map {
            $0.components(separatedBy: " | ")
        }
        var declared: Set<String> = []
        for file in Self.swiftFiles(below: "Sources") {
            let path = Self.relative(file)
            let target = path.split(separator: "/").dropFirst().first ?? ""
            for limit in Self.limits(in: try String(contentsOf: file, encoding: .utf8)) {
                declared.insert(limit.name)
                let own = rows.filter { $0[0] == "| `\(limit.name)`" }
                // What has no value of its own carries the limit of another place.
                let isListed = own.contains { row in
                    !limit.hasValue || row.count > 3 && row[3].contains("`\(target)`")
                }
                if !isListed { Issue.record("docs/limits.md has no row `\(limit.name)` of \(path)") }
            }
        }
        #expect(declared.count > 100)
        for row in rows where row[0].hasSuffix("Max`") {
            let name = String(row[0].dropFirst(3).dropLast())
            #expect(declared.contains(name), "docs/limits.md lists \(name), which no source declares")
        }
    }

    /// Properties, stored or static, with a name that ends in `Max`.
    static func limits(in text: String) -> [(name: String, hasValue: Bool)] {
        text.matches(of: /\b(?:static let|var) (\w+Max)\b(?:: \w+\??)?( =)?/).map {
            (String($0.1), $0.2 != nil)
        }
    }

    @Test func `the documents name no path of one machine`() throws {
        for folder in ["docs", "certs", "scripts", "Sources", "Tests", ".ci"] {
            let base = Self.root.appendingPathComponent(folder)
            guard let all = FileManager.default.enumerator(at: base, includingPropertiesForKeys: nil) else {
                continue
            }
            for case let file as URL in all
            where ["md", "swift", "sh", "", "ldif", "dialogue"].contains(file.pathExtension) {
                guard let text = try? String(contentsOf: file, encoding: .utf8) else { continue }
                for word in ["/" + "work/", "/" + "root/", "/opt/" + "swift"] where text.contains(word) {
                    Issue.record("\(Self.relative(file)) names \(word)")
                }
            }
        }
    }
}
