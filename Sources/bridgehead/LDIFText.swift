import AdminAPI
import DirectoryModel

/// LDIF between files and the admin interface.
enum LDIFText {
    /// An object as an entry; its DN is written as the DSA said it.
    static func entry(_ object: ObjectReply) -> String {
        let attributes = object.attributes.map(\.entryAttribute)
        return LDIFWriter.lines(for: LDIFRecord(line: 1, dn: object.dn, kind: .content(attributes)))
    }

    /// Every record of a file.
    ///
    /// - Throws: `AdminError` `badLDIF` for the first record that cannot be read, or when there is none.
    static func operations(_ file: String) throws -> [WriteOperation] {
        var reader = LDIFReader()
        let octets = try Input.octets(file, what: "LDIF")
        let results = reader.feed(octets) + reader.finish()
        guard !results.isEmpty else {
            throw AdminError(
                code: "badLDIF",
                message: "the LDIF holds no record",
                hint: "see RFC 2849 for its form"
            )
        }
        return try results.map { result in
            switch result {
            case .success(let record): return WriteOperation(record)
            case .failure(let error):
                throw AdminError(
                    code: "badLDIF",
                    message: "LDIF line \(error.line): \(error.reason)",
                    hint: error.hint
                )
            }
        }
    }
}
