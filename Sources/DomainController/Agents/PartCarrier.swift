import InterSiteMessaging
import SMTP
import Store

extension PartCarrier {
    init(_ message: ReceivedMessage) {
        self.init(
            messageID: message.id,
            transport: message.transport,
            fileID: message.fileID,
            messageIDField: message.trace.messageID,
            sent: message.created,
            received: message.received ?? message.created,
            hops: message.trace.hops.map {
                CarrierHop(from: $0.from, by: $0.by, with: $0.with, id: $0.id, time: $0.time)
            },
            omittedHops: message.trace.omittedHops
        )
    }
}
