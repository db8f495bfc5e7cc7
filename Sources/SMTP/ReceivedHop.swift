package import Identifiers

/// One `Received` field: a server's own account of taking the message, never authenticated.
///
/// - Source: RFC 5321 section 4.4.
package struct ReceivedHop: Sendable, Hashable {
    package let from: String?
    package let by: String?
    package let with: String?
    package let id: String?
    /// Nil when the date cannot be read.
    package let time: Timestamp?
    package let raw: String

    package init(_ value: String) {
        raw = value
        var words = HeaderWords(value)
        let clauses = words.text(until: ";").split(separator: " ").map(String.init)
        var found: [String: String] = [:]
        var index = 0
        while index + 1 < clauses.count {
            let keyword = clauses[index].lowercased()
            guard ["from", "by", "with", "id", "via", "for"].contains(keyword) else {
                index += 1
                continue
            }
            if found[keyword] == nil { found[keyword] = clauses[index + 1] }
            index += 2
        }
        from = found["from"]
        by = found["by"]
        with = found["with"]
        id = found["id"]
        time = value.lastIndex(of: ";").flatMap {
            Timestamp(mailDate: String(value[value.index(after: $0)...]))
        }
    }
}

extension MIMEReader {
    /// More hops than any honest path has.
    package static let receivedHopsMax = 100

    /// The hops of a message, the latest first (as they stand in it).
    package static func receivedHops(_ header: MailHeader) -> [ReceivedHop] {
        header.all("Received").prefix(receivedHopsMax).map(ReceivedHop.init)
    }
}
