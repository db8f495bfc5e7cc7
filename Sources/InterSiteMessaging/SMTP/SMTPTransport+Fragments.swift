import Identifiers
import PKI
import SecureMail

// A message that is larger than the way to the partner takes: cut, every piece sealed for itself.
extension SMTPTransport {
    /// Sealed mails that together are the message: one, or its fragments when it may be cut.
    ///
    /// - Throws: `TransportError.tooLarge` when it may not, or not far enough.
    func sealFitting(
        _ message: IntersiteMessage,
        to partner: PartnerRoute,
        through sender: PartnerSender,
        at now: Timestamp
    ) async throws -> [[UInt8]] {
        do {
            let sealed = try await seal(message, to: partner, at: now)
            try await sender.admit([sealed.count])
            return [sealed]
        } catch TransportError.tooLarge(let octets, let octetsMax) {
            guard message.mayFragment, message.payload.count <= properties.payloadOctetsMax else {
                throw TransportError.tooLarge(octets: octets, octetsMax: octetsMax)
            }
            var count = FragmentCutter.count(octets: octets, octetsMax: octetsMax)
            while let tried = count, let pieces = FragmentCutter.pieces(of: message.payload, count: tried) {
                do {
                    let sealed = try await seal(pieces, of: message, to: partner, at: now)
                    try await sender.admit(sealed.map(\.count))
                    return sealed
                } catch TransportError.tooLarge {
                    count = FragmentCutter.count(after: tried)
                }
            }
            throw TransportError.tooLarge(octets: octets, octetsMax: octetsMax)
        }
    }

    private func seal(
        _ pieces: [ArraySlice<UInt8>],
        of message: IntersiteMessage,
        to partner: PartnerRoute,
        at now: Timestamp
    ) async throws -> [[UInt8]] {
        let digest = Digest.sha256(message.payload)
        var mails: [[UInt8]] = []
        for (index, piece) in pieces.enumerated() {
            var part = message
            part.payload = Array(piece)
            part.summary += " (fragment \(index + 1)/\(pieces.count))"
            let fragment = MessageFragment(number: index + 1, count: pieces.count, wholeSHA256: digest)
            mails.append(try await seal(part, fragment: fragment, to: partner, at: now))
        }
        return mails
    }

    /// Puts all of them into Queue, or none.
    func store(_ mails: [[UInt8]], sidecar: QueuedMail) async throws -> [SendQueue.Entry] {
        var entries: [SendQueue.Entry] = []
        for (index, sealed) in mails.enumerated() {
            let id = mailRoot.freshID()
            var mail = sidecar
            if mails.count > 1 { mail.summary += " (fragment \(index + 1)/\(mails.count))" }
            do throws(FileError) {
                try await mailRoot.storeQueue(id: id, bytes: sealed, sidecar: mail)
            } catch {
                for entry in entries { try? await mailRoot.discard(.queue, entry.id) }
                throw TransportError.storage(error)
            }
            entries.append(SendQueue.Entry(id: id, octets: sealed.count, mail: mail))
        }
        return entries
    }
}
