package import AdminAPI
import Identifiers
import InterSiteMessaging
import PKI
import SMTP
import SecureMail

extension DomainControllerService {
    package func mailFolders() async throws -> [MailFolderReply] {
        let time = now()
        return try await mailRoot.summary().map { summary in
            MailFolderReply(
                folder: summary.folder.rawValue,
                files: summary.count,
                octets: summary.octets,
                oldestAgeSeconds: summary.oldest.map { max(0, time.seconds - $0.seconds) }
            )
        }
    }

    package func mailList(_ query: MailListQuery) async throws -> [MailFileReply] {
        let folders = try query.folder.map { [try folder($0)] } ?? MailFolder.allCases
        var found: [MailFileReply] = []
        for folder in folders {
            for file in try await mailRoot.list(folder) { found.append(try await reply(file)) }
        }
        return found
    }

    private func reply(_ file: MailFile) async throws -> MailFileReply {
        let queued = file.folder == .queue ? await mailRoot.queuedMail(file.id) : nil
        let reason = await mailRoot.reason(file.folder, file.id)
        return MailFileReply(
            id: file.id,
            folder: file.folder.rawValue,
            partner: queued?.partnerName,
            service: queued?.service,
            ageSeconds: max(0, now().seconds - file.modified.seconds),
            octets: file.octets,
            attempts: queued?.attempts,
            nextTry: queued?.nextTry,
            lastReply: queued?.lastReply ?? reason.map { "\($0.code): \($0.sentence)" },
            summary: queued?.summary,
            needsDecision: file.folder == .held ? reason.map { !$0.isRetried } : nil,
            held: try await heldPart(reason)
        )
    }

    package func mailShow(_ query: MailShowQuery) async throws -> MailShowReply {
        let wanted = query.id.hasSuffix(".eml") ? String(query.id.dropLast(4)) : query.id
        for folder in MailFolder.allCases
        where try await mailRoot.list(folder).contains(where: { $0.id == wanted }) {
            let octets = try await mailRoot.read(folder, wanted)
            let inspection = MailInspection(
                protection: protection,
                membership: partners.membership,
                names: partners.current
            )
            var shown = inspection.show(octets, id: wanted, payload: query.payload, at: now())
            shown.folder = folder.rawValue
            if let reason = await mailRoot.reason(folder, wanted) {
                shown.reason = "\(reason.code): \(reason.sentence)"
                (shown.hint, shown.held) = (reason.hint, try await heldPart(reason))
                if folder == .held { shown.verdict = "held" }
            }
            return shown
        }
        throw AdminError(
            code: "noSuchMail",
            message: "no mail \(query.id) in any folder",
            hint: "bridgehead mail list shows those that are there"
        )
    }

    private func folder(_ name: String) throws -> MailFolder {
        guard let folder = MailFolder.allCases.first(where: { $0.rawValue.lowercased() == name.lowercased() })
        else {
            throw AdminError(
                code: "invalidQuery",
                message: "\"\(name)\" is no folder of the mailroot",
                hint: MailFolder.allCases.map(\.rawValue).joined(separator: ", ")
            )
        }
        return folder
    }
}
