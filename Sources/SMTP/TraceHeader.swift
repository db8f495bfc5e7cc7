import Identifiers

/// The fields that a receiving server puts on top of a message.
///
/// - Source: RFC 5321 section 4.4.
enum TraceHeader {
    /// `Return-Path` and `Received`, CRLF line ends; what a client said appears only as `shown` lets it.
    static func bytes(_ envelope: Envelope, hostName: String, id: String, at time: Timestamp) -> [UInt8] {
        let returnPath = envelope.reversePath.map(\.description) ?? ""
        let peer = envelope.peer.map { " (\(shown($0)))" } ?? ""
        let protocolName = (envelope.isExtended ? "ESMTP" : "SMTP") + (envelope.isTLS ? "S" : "")
        let text =
            "Return-Path: <\(returnPath)>\r\n"
            + "Received: from \(shown(envelope.heloName))\(peer)\r\n"
            + "\tby \(shown(hostName)) with \(protocolName) id \(shown(id));\r\n"
            + "\t\(time.mailDate)\r\n"
        return Array(text.utf8)
    }

    /// Letters, digits and `.-_:[]`; anything else, and with it every way to end a field, becomes `?`.
    private static func shown(_ text: String) -> String {
        String(
            decoding: text.utf8.map { octet in
                switch octet {
                case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "a")...UInt8(ascii: "z"):
                    octet
                case UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: ":"),
                    UInt8(ascii: "["), UInt8(ascii: "]"):
                    octet
                default: UInt8(ascii: "?")
                }
            },
            as: UTF8.self
        )
    }
}
