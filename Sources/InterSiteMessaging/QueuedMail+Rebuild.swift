import Identifiers
import SMTP

extension QueuedMail {
    /// What the outer header of a sealed mail still tells when the sidecar is lost; nil for a stranger's address.
    init?(rebuiltFrom message: [UInt8], partners: [MailAddress: PartnerRoute], lifeDays: Int) {
        guard let header = try? MIMEReader.parseEntity(message).header,
            let recipient = header.first("To"),
            let address = MailAddress(recipient.filter { $0 != "<" && $0 != ">" }),
            let partner = partners[address]
        else { return nil }
        let created = header.first("Date").flatMap { Timestamp(mailDate: $0) } ?? .epoch
        self.init(
            partner: partner.dsaGUID,
            partnerName: partner.name,
            messageID: nil,
            service: nil,
            summary: header.first("Subject") ?? "",
            coalescingKey: nil,
            createdSeconds: created.seconds,
            expiresSeconds: created.adding(seconds: Int64(min(lifeDays, 36_500)) * 86_400).seconds
        )
    }
}
