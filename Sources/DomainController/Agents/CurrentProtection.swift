package import Identifiers
package import PKI
package import SecureMail
import Synchronization

/// The sealing in force: replaced as a whole when a certificate is installed, while mail goes on.
package final class CurrentProtection: MessageProtection {
    private let current: Mutex<SMIMEProtection>

    package init(_ protection: SMIMEProtection) { current = Mutex(protection) }

    package func replace(_ protection: SMIMEProtection) { current.withLock { $0 = protection } }

    package func seal(
        _ payload: [UInt8],
        envelope: MessageEnvelope,
        addressing: MailAddressing,
        to recipients: [Certificate],
        membership: MembershipSnapshot
    ) throws(SealError) -> [UInt8] {
        try current.withLock { $0 }.seal(
            payload,
            envelope: envelope,
            addressing: addressing,
            to: recipients,
            membership: membership
        )
    }

    package func open(
        _ message: [UInt8],
        membership: MembershipSnapshot,
        isCommitted: (_ message: GUID, _ from: GUID) -> Bool,
        at now: Timestamp
    ) -> OpenOutcome {
        current.withLock { $0 }.open(message, membership: membership, isCommitted: isCommitted, at: now)
    }
}
