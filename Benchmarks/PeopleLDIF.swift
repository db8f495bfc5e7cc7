import DirectoryModel
import Foundation

/// The same people as LDIF, for directories that are filled from outside.
enum PeopleLDIF {
    private static let recordsPerWrite = 1_000

    /// The unit at `parent`, then entries of 1 KB below it.
    static func write(people count: Int, below parent: String) throws {
        let unit = try DistinguishedName(parsing: parent, naming: WellKnownNames())
        guard let name = unit.rdns.first?.value else { throw BenchError.usage }
        var text = "dn: \(parent)\nobjectClass: top\nobjectClass: organizationalUnit\nou: \(name)\n\n"
        var people = People(below: unit)
        for number in 0..<count {
            text += "dn: uid=\(People.uid(number)),\(parent)\n"
            for attribute in people.entry(number).attributes {
                for value in attribute.values {
                    text += "\(attribute.name): \(String(decoding: value, as: UTF8.self))\n"
                }
            }
            text += "\n"
            if (number + 1).isMultiple(of: recordsPerWrite) { try flush(&text) }
        }
        try flush(&text)
    }

    /// One new value of one attribute in each record, person after person.
    static func write(changes count: Int, people: Int, below parent: String) throws {
        var random = SplitMix(seed: 30_000)
        var text = ""
        for number in 0..<count {
            let local = 1_000_000 + Int.random(in: 0..<9_000_000, using: &random)
            text += """
                dn: uid=\(People.uid(number % people)),\(parent)
                changetype: modify
                replace: telephoneNumber
                telephoneNumber: +1 555 \(local)
                -


                """
            if (number + 1).isMultiple(of: recordsPerWrite) { try flush(&text) }
        }
        try flush(&text)
    }

    private static func flush(_ text: inout String) throws {
        try FileHandle.standardOutput.write(contentsOf: Data(text.utf8))
        text = ""
    }
}
