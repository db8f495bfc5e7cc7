/// What an operator may set about sending and receiving by mail.
package struct SMTPTransportSettings: Sendable {
    package var retry = RetrySchedule.standard
    /// Mails waiting for one partner.
    package var queueMessagesMax = 10_000
    /// Octets waiting for one partner.
    package var queueOctetsMax = 4 << 30
    /// Messages handed over side by side, so that the service can join them in one transaction.
    package var inFlightMessagesMax = 64
    package var inFlightOctetsMax = 8 << 20
    /// How often Drop is looked at for files copied in by hand.
    package var pollSeconds = 1.0
    /// A file that this process did not write is read when size and time have rested this long.
    package var restSeconds = 2.0
    /// A rested file that cannot be read as a mail is tried this long: a slow copy may go on.
    package var settleSeconds = 60.0
    package var heldRecheckSeconds = 3600.0
    /// Of messages that are not whole yet.
    package var fragments = FragmentLimits()
    package var idleConnectionSeconds = 60.0
    package var connectSeconds = 60
    /// For one reply; 120 is libcurl's default, and a server that syncs a large mail needs more.
    package var replySeconds = 600
    /// Shown to servers that ask for a client certificate.
    package var clientIdentity: TLSIdentity?

    package init() {}
}

/// A certificate chain and its private key, both PEM.
package struct TLSIdentity: Sendable, Hashable {
    /// The own certificate first.
    package var certificatesPEM: String
    package var keyPEM: String

    package init(certificatesPEM: String, keyPEM: String) {
        self.certificatesPEM = certificatesPEM
        self.keyPEM = keyPEM
    }
}
