package import Identifiers
package import PKI

/// Payload to sealed mail and back: the seam between messaging and cryptography.
package protocol MessageProtection: Sendable {
    /// The mail as a file: header, CRLF lines of 76, 7-bit.
    func seal(
        _ payload: [UInt8],
        envelope: MessageEnvelope,
        addressing: MailAddressing,
        to recipients: [Certificate],
        membership: MembershipSnapshot
    ) throws(SealError) -> [UInt8]

    /// `isCommitted` answers whether the service has committed that message of that DSA.
    func open(
        _ message: [UInt8],
        membership: MembershipSnapshot,
        isCommitted: (_ message: GUID, _ from: GUID) -> Bool,
        at now: Timestamp
    ) -> OpenOutcome
}
