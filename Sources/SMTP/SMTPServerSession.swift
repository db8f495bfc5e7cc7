package import Identifiers

/// A server's side of one SMTP connection: octets and events in, effects out; no socket, no file, no clock.
package struct SMTPServerSession: Sendable {
    /// What happened outside.
    package enum Input: Sendable {
        /// The connection is there (implicit TLS already done). `peer` is shown in the trace header.
        case connected(isTLS: Bool, peer: String?)
        case bytes(ArraySlice<UInt8>)
        /// The handshake that `startTLS` asked for is done.
        case tlsEstablished
        /// The answer to `beginMessage`.
        case messageOpened(OpenOutcome)
        /// The answer to `endMessage`.
        case messageStored(StoreOutcome)
        /// The armed deadline has passed.
        case deadline
        /// This server stops.
        case shutdown
        /// The client closed or broke the connection.
        case peerClosed
    }

    package enum OpenOutcome: Sendable, Hashable {
        /// The spool file is open; id and time go into the trace header.
        case opened(id: String, at: Timestamp)
        case temporaryFailure
        case insufficientStorage
    }

    package enum StoreOutcome: Sendable, Hashable {
        /// The message is on disk under its final name and the folder is synced.
        case durable(id: String)
        case temporaryFailure
        case insufficientStorage
        case refused
    }

    /// What the shell has to do, in this order.
    package enum Effect: Sendable, Hashable {
        case send([UInt8])
        /// Start the handshake once everything sent so far is out; answer with `tlsEstablished`.
        case startTLS
        /// Open a spool file; answer with `messageOpened`.
        case beginMessage(Envelope)
        /// Append to the spool file: first the trace header, then message octets without stuffed dots.
        case messageBytes(ArraySlice<UInt8>)
        /// Make the spool file durable; answer with `messageStored`.
        case endMessage
        /// Drop the spool file; no answer.
        case abortMessage
        /// Re-arm the one deadline.
        case deadline(seconds: Int)
        /// Close once everything sent is out; every later input is ignored.
        case close
    }

    package init(configuration: SMTPServerConfiguration) {}

    package mutating func receive(_ input: Input) -> [Effect] { [] }
}
