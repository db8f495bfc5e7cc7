import AdminAPI
import DomainController
import Foundation
import Testing

@Suite struct `An object that is larger than a mail` {
    private static let dn = "CN=Large,CN=Services,CN=Configuration,DC=reskit,DC=example"

    /// Letters that gzip makes a quarter smaller at most.
    private static func letters(_ count: Int) -> String {
        var generator = SystemRandomNumberGenerator()
        let octets = (0..<(count / 4 * 3)).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
        return Data(octets).base64EncodedString()
    }

    @Test(.timeLimit(.minutes(3)))
    func `arrives in fragments out of order and doubled, and again after one was lost`() async throws {
        let text = Self.letters(10_000_000)
        let two = try await TwoSites()
        try await two.hq.write(.add(Self.dn, ["objectClass": ["container"], "description": [text]]))
        let answered = two.hq.kinds()
        try await two.start(two.hq)
        try await two.hq.setRoute(to: "BR3-VAN-DC-01", port: 1)
        try await two.start(two.van)
        try await two.van.setRoute(to: "HQ-RES-DC-01", port: try #require(two.hq.smtpPort))
        for await kind in answered where kind == "answered" {
            if try await two.hq.status().eventCounts["answered"] ?? 0 >= 3 { break }
        }
        let fragments = try await two.hq.mailList(MailListQuery(folder: "Queue"))
            .filter { $0.summary?.contains("(fragment ") == true }
        #expect(fragments.count >= 3)
        #expect(fragments.allSatisfy { $0.octets <= 4 << 20 })

        // All but one arrive, the last first and each twice; then that one is lost.
        let queue = two.folder.appendingPathComponent("hq/mailroot/Queue")
        let drop = two.folder.appendingPathComponent("van/mailroot/Drop")
        let kept = Array(fragments.dropFirst().reversed())
        let repeats = two.van.kinds()
        for (number, mail) in (kept + kept).enumerated() {
            let hidden = drop.appendingPathComponent(".\(number).eml")
            try FileManager.default.copyItem(at: queue.appendingPathComponent("\(mail.id).eml"), to: hidden)
            try FileManager.default.moveItem(at: hidden, to: drop.appendingPathComponent("\(number).eml"))
        }
        for await kind in repeats where kind == "mail-duplicate" {
            if try await two.van.status().eventCounts["mail-duplicate"] ?? 0 >= kept.count { break }
        }
        #expect(try await two.van.mailList(MailListQuery(folder: "Fragments")).count == kept.count)
        try FileManager.default.removeItem(at: queue.appendingPathComponent("\(fragments[0].id).eml"))

        try await two.connect()
        #expect(try await two.converge())
        #expect(try await two.van.read(Self.dn)["description"] == [text])
        // What came of the first message waits until it expires.
        let waiting = try await two.van.mailList(MailListQuery(folder: "Fragments"))
        #expect(waiting.count == kept.count)
        #expect(try await two.van.status().eventCounts["tooLarge"] == nil)
        await two.stop()
    }
}
