import CCurl
import Identifiers
import Testing

@testable import InterSiteMessaging

@Suite struct `Delivery outcome` {
    struct Case: Sendable, CustomStringConvertible {
        let name: String
        let code: UInt32
        let reply: Int
        var isMessageBegun = false
        let expected: DeliveryOutcome
        var description: String { name }
    }

    private static let route = DeliveryOutcome.retryLater(reason: "text", isRoute: true)
    private static let mail = DeliveryOutcome.retryLater(reason: "text", isRoute: false)
    private static let broken = DeliveryOutcome.routeBroken(reason: "text")
    private static let never = DeliveryOutcome.giveUp(reason: "text", isTooLarge: false)

    static let cases: [Case] = [
        Case(
            name: "delivered",
            code: 0,
            reply: 250,
            isMessageBegun: true,
            expected: .delivered(reply: "text")
        ),
        Case(name: "connection refused", code: 7, reply: 0, expected: route),
        Case(name: "no such host", code: 6, reply: 0, expected: route),
        Case(name: "no answer in time", code: 28, reply: 354, isMessageBegun: true, expected: route),
        Case(name: "421 as greeting", code: 8, reply: 421, expected: route),
        Case(name: "554 as greeting", code: 8, reply: 554, expected: broken),
        Case(name: "EHLO and HELO refused", code: 9, reply: 502, expected: broken),
        Case(name: "MAIL answered 451", code: 55, reply: 451, expected: mail),
        Case(name: "RCPT answered 421", code: 55, reply: 421, expected: route),
        Case(name: "RCPT answered 550", code: 55, reply: 550, expected: never),
        Case(name: "MAIL answered 530", code: 55, reply: 530, expected: broken),
        Case(
            name: "MAIL answered 552",
            code: 55,
            reply: 552,
            expected: .giveUp(reason: "text", isTooLarge: true)
        ),
        Case(name: "broken under a command", code: 55, reply: 250, expected: route),
        Case(name: "final dot answered 451", code: 8, reply: 451, isMessageBegun: true, expected: mail),
        Case(name: "final dot answered 452", code: 8, reply: 452, isMessageBegun: true, expected: mail),
        Case(name: "final dot answered 554", code: 8, reply: 554, isMessageBegun: true, expected: never),
        Case(
            name: "final dot answered 552",
            code: 8,
            reply: 552,
            isMessageBegun: true,
            expected: .giveUp(reason: "text", isTooLarge: true)
        ),
        Case(
            name: "peer drops in DATA: the 354 is stale",
            code: 56,
            reply: 354,
            isMessageBegun: true,
            expected: route
        ),
        Case(name: "no STARTTLS offered: the 250 is stale", code: 64, reply: 250, expected: broken),
        Case(name: "wrong CA: the 220 is stale", code: 60, reply: 220, expected: broken),
        Case(name: "handshake fails", code: 35, reply: 220, expected: broken),
        Case(name: "login refused", code: 67, reply: 535, expected: broken),
        Case(name: "stopped by us", code: 42, reply: 354, isMessageBegun: true, expected: route),
    ]

    @Test(arguments: cases) func `is told by code and reply`(_ example: Case) {
        #expect(
            result(example.code, example.reply, example.isMessageBegun, false).outcome == example.expected
        )
    }

    @Test func `of a kept connection that the server had closed is worth a second attempt`() {
        #expect(result(56, 0, false, true).isStaleConnection)
        #expect(result(55, 250, false, true).isStaleConnection)
        #expect(result(55, 421, false, true).isStaleConnection)
        #expect(!result(56, 0, false, false).isStaleConnection)
        #expect(!result(55, 550, false, true).isStaleConnection)
        #expect(!result(0, 250, true, true).isStaleConnection)
    }

    private func result(
        _ code: UInt32,
        _ reply: Int,
        _ isMessageBegun: Bool,
        _ isReused: Bool
    ) -> TransferResult {
        TransferResult(
            code: CURLcode(rawValue: code),
            replyCode: reply,
            text: "text",
            isMessageBegun: isMessageBegun,
            isConnectionReused: isReused
        )
    }
}

@Suite struct `Retry schedule` {
    @Test func `counts attempts through its steps`() throws {
        let schedule = try #require(RetrySchedule("60 10 300 +"))
        #expect(schedule.seconds(afterAttempts: 1) == 60)
        #expect(schedule.seconds(afterAttempts: 10) == 60)
        #expect(schedule.seconds(afterAttempts: 11) == 300)
        #expect(schedule.seconds(afterAttempts: .max) == 300)
        #expect(schedule.seconds(afterAttempts: 1, spread: 0) == 54)
        #expect(schedule.seconds(afterAttempts: 1, spread: 1) == 66)
        #expect(RetrySchedule.standard == schedule)
        #expect(RetrySchedule("3600 +")?.seconds(afterAttempts: 1, spread: 1) == 3600)
    }

    @Test(arguments: [
        "", "60", "60 10", "+ 60", "60 + 300 +", "60 0 300 +", "-1 +", "4000 +", "nan +", "60 -1 300 +",
        "60 10 300 + +", "inf +", "60 99999999999999999999 1 +",
    ])
    func `refuses what is none`(_ text: String) { #expect(RetrySchedule(text) == nil) }
}

@Suite struct `Send queue` {
    private let now = ContinuousClock.now

    private func entry(_ id: String, key: String? = nil) -> SendQueue.Entry {
        var mail = QueuedMail(
            partner: .zero,
            partnerName: "x",
            summary: "",
            createdSeconds: 0,
            expiresSeconds: 1
        )
        mail.service = "replication"
        mail.coalescingKey = key
        return SendQueue.Entry(id: id, octets: 10, mail: mail)
    }

    @Test func `sends in order, and others while one waits`() {
        var queue = SendQueue()
        for id in ["a", "b", "c"] { queue.append(entry(id)) }
        #expect(queue.octets == 30)
        #expect(queue.begin(at: now)?.id == "a")
        #expect(queue.postpone("a", until: now + .seconds(60), at: .epoch, reply: "451")?.attempts == 1)
        #expect(queue.begin(at: now)?.id == "b")
        queue.remove("b")
        queue.remove("c")
        #expect(queue.begin(at: now) == nil)
        #expect(queue.nextDue == now + .seconds(60))
        #expect(queue.begin(at: now + .seconds(60))?.id == "a")
        queue.remove("a")
        #expect(queue.nextDue == nil)
        #expect(queue.octets == 0)
    }

    @Test func `sends nothing while the route waits, and all when there is news`() {
        var queue = SendQueue()
        queue.append(entry("a"))
        queue.append(entry("b"))
        _ = queue.begin(at: now)
        #expect(queue.postponeRoute(until: now + .seconds(60), at: .epoch, reply: "refused")?.attempts == 1)
        #expect(queue.routeAttempts == 1)
        #expect(queue.begin(at: now) == nil)
        #expect(queue.nextDue == now + .seconds(60))
        queue.makeDue()
        #expect(queue.begin(at: now)?.id == "a")
        #expect(queue.routeAttempts == 0)
    }

    @Test func `lets a mail that is under way go, whatever replaces it`() {
        var queue = SendQueue()
        queue.append(entry("a", key: "k"))
        queue.append(entry("b", key: "k"))
        queue.append(entry("c", key: "other"))
        _ = queue.begin(at: now)
        #expect(queue.removeReplaced(service: "replication", key: "k").map(\.id) == ["b"])
        #expect(queue.removeReplaced(service: "chess", key: "other").isEmpty)
        #expect(queue.entries.map(\.id) == ["a", "c"])
    }
}
