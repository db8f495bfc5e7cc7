import Identifiers
import PKI
import SMTP
import SecureMail

// Fragments wait as they came, sealed, in their folder; only the one that makes a message whole stays in Drop
// until the service has committed. What waits is known in memory alone: at a start the files are read again.
extension DropReader {
    /// Everything that waited for others goes back to Drop.
    func resumeFragments() async {
        do throws(FileError) {
            for file in try await mailRoot.list(.fragments) {
                _ = try await mailRoot.release(file.id, from: .fragments)
            }
        } catch {
            trouble(error, nil)
        }
    }

    /// The whole message when the fragment in `file` was the last that lacked; else nil, and the file is where
    /// it belongs.
    func collect(_ mail: OpenedMail, _ file: MailFile, _ trace: MailTrace) async -> Opened? {
        guard let fragment = mail.envelope.fragment else { return nil }
        let arrival = FragmentSets.Arrival(
            envelope: mail.envelope,
            fragment: fragment,
            octets: file.octets,
            payloadOctets: mail.payload.count
        )
        // A copy of the last one: how its message ends decides about it.
        guard !inFlightMessages.contains(arrival.key) else { return nil }
        let (verdict, evicted) = fragments.judge(arrival, at: context.now())
        for set in evicted { await drop(set) }
        switch verdict {
        case .wait: await keep(arrival, file)
        case .repeated:
            post(.duplicate(messageID: mail.envelope.messageID), file, mail.envelope.from)
            await finish(file, mail.envelope.from)
        case .refused(let refusal): await refuse(file, refusal, mail.envelope.from)
        case .whole(let files): return await join(arrival, mail, file, files, trace)
        }
        return nil
    }

    private func keep(_ arrival: FragmentSets.Arrival, _ file: MailFile) async {
        do throws(FileError) {
            let id = try await mailRoot.awaitFragments(file.id)
            fragments.keep(arrival, file: id, at: context.now())
            let kind = MailEvent.Kind.fragment(
                messageID: arrival.envelope.messageID,
                number: arrival.fragment.number,
                count: arrival.fragment.count
            )
            context.events(MailEvent(kind, fileID: id, partner: arrival.envelope.from))
        } catch {
            trouble(error, file.id)
            postpone(file, reason: error.description, partner: arrival.envelope.from)
        }
    }

    private func join(
        _ arrival: FragmentSets.Arrival,
        _ mail: OpenedMail,
        _ file: MailFile,
        _ files: [String?],
        _ trace: MailTrace
    ) async -> Opened? {
        var payload: [UInt8] = []
        var isCRLStale = mail.crlStale
        for id in files {
            guard let id else {
                payload += mail.payload
                continue
            }
            do throws(FileError) {
                guard let piece = try await reopen(id, of: arrival) else {
                    // One that waited is gone: then this one waits as well.
                    await keep(arrival, file)
                    return nil
                }
                payload += piece.payload
                isCRLStale = isCRLStale || piece.crlStale
            } catch {
                trouble(error, id)
                postpone(file, reason: error.description, partner: arrival.key.sender)
                return nil
            }
        }
        guard Digest.sha256(payload) == arrival.fragment.wholeSHA256 else {
            let refusal = FragmentSets.Refusal(
                code: "fragment-digest",
                sentence:
                    "the fragments of message \(arrival.key.message) are not the message they were cut from"
            )
            await drop(fragments.refuse(arrival.key, refusal))
            await refuse(file, refusal, arrival.key.sender)
            return nil
        }
        return Opened(envelope: mail.envelope, payload: payload, isCRLStale: isCRLStale, trace: trace)
    }

    /// Every check again: membership, revocation lists and the file may have changed while it waited.
    ///
    /// Nil when it waits no longer.
    private func reopen(
        _ id: String,
        of arrival: FragmentSets.Arrival
    ) async throws(FileError) -> OpenedMail? {
        let octets: [UInt8]
        do throws(FileError) {
            octets = try await mailRoot.read(.fragments, id)
        } catch {
            guard error.isMissing else { throw error }
            fragments.forget(id, of: arrival.key)
            return nil
        }
        let outcome = await judge(octets).0
        if case .fragment(let mail) = outcome, mail.envelope.messageID == arrival.key.message,
            mail.envelope.from == arrival.key.sender
        {
            return mail
        }
        fragments.forget(id, of: arrival.key)
        let refusal = FragmentSets.Refusal(code: "fragment-spoilt", sentence: outcome.description)
        await drop(FragmentSets.Evicted(key: arrival.key, files: [id], refusal: refusal))
        return nil
    }

    // MARK: - Leaving

    /// The message is committed: its fragments go where processed mail goes.
    func finishFragments(of key: MessageKey) async {
        for id in fragments.close(key) {
            do throws(FileError) {
                guard try await mailRoot.finish(.fragments, id) else { continue }
                context.events(MailEvent(.archived, fileID: id, partner: key.sender))
            } catch {
                // Read again at the next start, it is a repeat of a committed message.
                trouble(error, id)
            }
        }
    }

    func expireFragments() async {
        guard let next = fragments.nextExpiry, next < context.now() else { return }
        for set in fragments.expire(at: context.now()) { await drop(set) }
    }

    /// Its files go to Badmail.
    func drop(_ set: FragmentSets.Evicted) async {
        for id in set.files {
            let reason = MailReason(
                code: set.refusal.code,
                sentence: set.refusal.sentence,
                time: context.now()
            )
            do throws(FileError) {
                try await mailRoot.refuse(.fragments, id, reason: reason)
                let kind = MailEvent.Kind.refused(code: reason.code, sentence: reason.sentence)
                context.events(MailEvent(kind, fileID: id, partner: set.key.sender))
            } catch {
                trouble(error, id)
            }
        }
    }

    private func refuse(_ file: MailFile, _ refusal: FragmentSets.Refusal, _ partner: GUID) async {
        await refuse(file, code: refusal.code, sentence: refusal.sentence, hint: nil, partner: partner)
    }
}
