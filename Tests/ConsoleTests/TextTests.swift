import AdminAPI
import Testing

@Suite struct `Text for people` {
    @Test func `repl show keeps repadmin's layout`() {
        #expect(
            Sample.neighbors.text == #"""
                Headquarters\HQ-RES-DC-01
                DSA Options: IS_GC
                DSA object GUID: 5d3a0b4e-0c9f-4c2b-9a35-1f0e9d7c6b5a
                DSA invocationID: 77b10b4e-0c9f-4c2b-9a35-1f0e9d7c6b5a

                ==== INBOUND NEIGHBORS ======================================

                CN=Configuration,DC=reskit,DC=example
                    Vancouver\BR3-VAN-DC-01 via SMTP
                        DSA object GUID: 77b10b4e-0c9f-4c2b-9a35-1f0e9d7c6b5a
                        Last attempt @ 2026-11-25 12:00:00Z was successful.
                    Vancouver\BR3-VAN-DC-01 via SMTP
                        DSA object GUID: 77b10b4e-0c9f-4c2b-9a35-1f0e9d7c6b5a
                        Last attempt @ 2026-11-25 12:00:00Z was delayed for a normal reason, result 8477 (0x211d):
                            The replication request has been posted; waiting for reply.
                        Last success @ 2026-11-25 11:00:00Z.
                    Vancouver\BR3-VAN-DC-01 via SMTP
                        DSA object GUID: 77b10b4e-0c9f-4c2b-9a35-1f0e9d7c6b5a
                        Last attempt @ 2026-11-25 12:00:00Z failed, result 1818 (0x71a):
                            the route is down
                        3 consecutive failure(s).
                        Last success @ 2026-11-25 11:00:00Z.

                """#
        )
    }

    @Test func `the summary has repadmin's two tables`() {
        #expect(
            Sample.summary.text == """
                Replication Summary Start Time: 2026-11-25 12:00:00Z

                Source DSA     largest delta  fails/total  %%  error
                BR3-VAN-DC-01          1m35s        1 / 3  33  (1818) down

                Destination DSA  largest delta  fails/total  %%  error
                HQ-RES-DC-01             1m35s        0 / 3   0

                """
        )
        #expect(!Sample.summary.isHealthy)
    }

    @Test func `a comparison says what differs, and what is only on its way`() {
        let text = Sample.compare.text
        #expect(text.contains("DIFFERS from BR3-VAN-DC-01: 1 of 98 objects"))
        #expect(text.contains("1 objects have writes still on their way"))
        #expect(text.contains("unlike       \(Sample.hq) CN=x"))
        #expect(!Sample.compare.isEqual)
    }

    @Test func `the vector is shown by server, or by invocationID where nobody has it any more`() {
        #expect(Sample.cursors.vectorText.contains(" @ USN "))
    }

    @Test func `cursors show intervals and what they were cut from`() {
        #expect(Sample.cursors.text.contains("received of BR3-VAN-DC-01: (0,50] asof 60"))
        #expect(Sample.cursors.text.contains("high watermark 50, newest adopted vector none"))
    }

    @Test func `why shows each write, the part it came with, and the hops with their delays`() {
        let text = Sample.why.text
        #expect(text.contains("here    USN 6, came with part 1, applied 1m35s after the write\n"))
        #expect(text.contains("member CN=Ann (removed)\n"))
        #expect(text.contains("came before the record of parts begins\n"))
        #expect(text.contains("parts are remembered from local USN 6 on\n"))
        #expect(text.contains("    its USN (1, 9] as of 12, request \(Sample.hq)\n"))
        #expect(text.contains("Message-ID <a@b.example>\n"))
        let delays = text.split(separator: "\n").dropLast().suffix(6).map {
            $0.split(separator: " ").last ?? ""
        }
        #expect(delays == ["delay", "12:00:10Z", "2s", "1m13s", "5s", "5s"], "\(text)")
    }

    @Test func `no answer can send commands to a terminal`() {
        let texts = [
            Sample.mailShow.text, Sample.neighbors.text, MailText.table([Sample.mail]), Sample.why.text,
        ]
        for text in texts {
            #expect(
                !text.unicodeScalars.contains {
                    $0.value < 0x20 && $0 != "\n" && $0 != "\t" || $0.value == 0x7f
                }
            )
        }
        #expect(Sample.mailShow.text.contains("Subject: bridgehead?[2J"))
        #expect(HumanText.line("a\u{202e}b\u{85}c\nd") == "a?b?c?d")
    }

    @Test(arguments: [
        (0, "0s"), (59, "59s"), (60, "1m"), (95, "1m35s"), (3_600, "1h"), (90_061, "1d1h"), (86_460, "1d"),
        (-5, "0s"),
    ])
    func `an age shows its two largest units`(seconds: Int, text: String) {
        #expect(HumanText.age(seconds: Int64(seconds)) == text)
    }

    @Test(arguments: [
        (0, "0 B"), (1_023, "1023 B"), (1_024, "1.0 KiB"), (20_480, "20.0 KiB"), (1 << 30, "1.0 GiB"),
    ])
    func `a size shows one decimal`(octets: Int, text: String) {
        #expect(HumanText.octets(octets) == text)
    }

    @Test func `an import names what it refused, and a write what it did`() {
        let progress = ImportProgress(read: 9, imported: 5, merged: 1, refused: 3)
        let reply = ImportReply(progress, refusals: [ImportRefusal(line: 7, dn: "CN=x", reason: "no parent")])
        #expect(
            reply.text == """
                9 read, 5 imported, 1 merged, 3 refused
                refused: line 7: CN=x: no parent
                and 2 more

                """
        )
        #expect(Sample.write.text("added").hasPrefix("added CN=Zoë (5d3a0b4e-"))
        #expect(Sample.write.text("added").contains("unchanged CN=x"))
        #expect(
            Sample.replicateNow.text.contains(
                "not asked: DC=reskit,DC=example from BR3-VAN-DC-01: no certificate"
            )
        )
    }

    @Test func `a link that fails keeps no DSA from serving, a certificate does`() {
        var health = HealthReply(
            isHealthy: false,
            checks: [
                HealthCheck(name: "certificate", isPassed: true, text: "valid"),
                HealthCheck(name: HealthCheck.replication, isPassed: false, text: "1 of 3 links fail"),
            ]
        )
        #expect(health.isServing)
        #expect(health.failures.isEmpty)
        #expect(health.text.contains("replication  failed  1 of 3 links fail"))
        health.checks[0].isPassed = false
        #expect(!health.isServing)
        #expect(health.failures == ["certificate: valid"])
        #expect(!Sample.health.isServing)
    }

    @Test func `an event is one line`() {
        let line = Sample.event("applied").line
        #expect(line == "applied        BR3-VAN-DC-01  CN=Configuration,DC=reskit,DC=example part 1")
    }
}
