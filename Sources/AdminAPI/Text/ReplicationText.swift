import Identifiers

extension ReplicationNeighborsReply {
    /// In repadmin's layout, which people and scripts know; times are UTC.
    package var text: String {
        var text = """
            \(HumanText.line(site))\\\(HumanText.line(server))
            DSA Options: \(Self.optionNames(dsaOptions))
            DSA object GUID: \(dsaGUID)
            DSA invocationID: \(invocationID)
            \(AlarmReply.text(alarms))
            ==== INBOUND NEIGHBORS ======================================

            """
        for context in Self.ordered(inbound.map(\.namingContext)) {
            text += "\n\(HumanText.line(context))\n"
            for neighbor in inbound where neighbor.namingContext == context { text += neighbor.text }
        }
        guard !outbound.isEmpty else { return text }
        text += "\n==== OUTBOUND NEIGHBORS FOR CHANGE NOTIFICATIONS ============\n"
        for context in Self.ordered(outbound.map(\.namingContext)) {
            text += "\n\(HumanText.line(context))\n"
            for neighbor in outbound where neighbor.namingContext == context { text += neighbor.text }
        }
        return text
    }

    /// Each once, in the order they come.
    private static func ordered(_ names: [String]) -> [String] {
        names.reduce(into: []) { known, name in if !known.contains(name) { known.append(name) } }
    }

    private static func optionNames(_ options: Int) -> String {
        let all = [
            (1, "IS_GC"), (2, "DISABLE_INBOUND_REPL"), (4, "DISABLE_OUTBOUND_REPL"),
            (8, "DISABLE_NTDSCONN_XLATE"),
        ]
        let names = all.filter { options & $0.0 != 0 }.map(\.1)
        return names.isEmpty ? "(none)" : names.joined(separator: " ")
    }
}

extension NeighborReply {
    fileprivate var text: String {
        var text = """
                \(HumanText.line(partnerSite))\\\(HumanText.line(partnerServer)) via \(transport)
                    DSA object GUID: \(partnerGUID)

            """
        let attempt = lastAttempt.map(RepadminTime.text) ?? "(never)"
        if isPending {
            text += """
                        Last attempt @ \(attempt) was delayed for a normal reason, result \(Self.code(result)):
                            The replication request has been posted; waiting for reply.

                """
        } else if isFailing {
            text += """
                        Last attempt @ \(attempt) failed, result \(Self.code(result)):
                            \(HumanText.line(resultText))

                """
        } else {
            text += "        Last attempt @ \(attempt)\(lastAttempt == nil ? "." : " was successful.")\n"
        }
        if let pendingSince, !isPending {
            text += "        A request waits for its reply since \(RepadminTime.text(pendingSince)).\n"
        }
        if consecutiveFailures > 0 { text += "        \(consecutiveFailures) consecutive failure(s).\n" }
        if let addition {
            let names = addition.attributes.map { HumanText.line($0) }.joined(separator: ", ")
            text +=
                "        Added attributes: \(names); changes of \(addition.originatorsComplete) of "
                + "\(addition.originators) databases are here.\n"
        }
        if isPending || isFailing {
            text += "        Last success @ \(lastSuccess.map(RepadminTime.text) ?? "(never)").\n"
        }
        return text
    }

    private static func code(_ result: Int) -> String { "\(result) (0x\(String(result, radix: 16)))" }
}

extension OutboundNeighborReply {
    fileprivate var text: String {
        """
            \(HumanText.line(partnerSite))\\\(HumanText.line(partnerServer)) via \(transport)
                DSA object GUID: \(partnerGUID)
                Last request @ \(lastRequest.map(RepadminTime.text) ?? "(never)")

        """
    }
}

/// `2026-11-25 12:00:00Z`: a date and a time for scripts that split at spaces.
enum RepadminTime {
    static func text(_ time: Timestamp) -> String { time.description.replacing("T", with: " ") }
}

extension ReplicationSummaryReply {
    /// The two tables of repadmin /replsummary.
    package var text: String {
        "Replication Summary Start Time: \(RepadminTime.text(time))\n\n"
            + Self.table("Source DSA", sources) + "\n" + Self.table("Destination DSA", destinations)
    }

    private static func table(_ title: String, _ rows: [SummaryRow]) -> String {
        var table = TextTable([title, ">largest delta", ">fails/total", ">%%", "error"])
        for row in rows {
            let percent = row.links == 0 ? 0 : row.failures * 100 / row.links
            let error = row.result.map { "(\($0)) \(HumanText.line(row.resultText ?? ""))" } ?? ""
            table.add([
                HumanText.line(row.server),
                row.largestDeltaSeconds.map { HumanText.age(seconds: $0) } ?? "(never)",
                "\(row.failures) / \(row.links)", "\(percent)", error,
            ])
        }
        return table.text
    }
}

extension ReplicationCursorsReply {
    /// Per naming context: the vector, and what was received of each source.
    package var text: String {
        namingContexts.map { context in
            var text = "\(HumanText.line(context.namingContext))\(context.isPartial ? " (partial)" : "")\n"
            var vector = TextTable(["  up to", ">USN", "known at"])
            for row in context.vector {
                let name = row.server.map(HumanText.line) ?? row.invocationID.description
                vector.add(["  \(name)", "\(row.usn)", row.time.map(RepadminTime.text) ?? ""])
            }
            text += vector.text
            for source in context.sources {
                let pieces = source.received.map { "(\($0.from),\($0.to)] asof \($0.asOf)" }.joined(
                    separator: " "
                )
                text +=
                    "  received of \(HumanText.line(source.partner)): \(pieces.isEmpty ? "nothing" : pieces)\n"
                text += "    high watermark \(source.highWatermark), newest adopted vector "
                text += "\(source.newestAdopted.map(\.description) ?? "none")"
                text += "\(source.pendingRequest.map { ", request \($0) is out" } ?? "")\n"
            }
            return text
        }.joined(separator: "\n")
    }
}

extension ReplicateNowReply {
    package var text: String {
        guard !requests.isEmpty else { return "nothing to ask for\n" }
        return requests.map { request in
            let what = "\(HumanText.line(request.namingContext)) from \(HumanText.line(request.partner))"
            if let failure = request.failure { return "not asked: \(what): \(HumanText.line(failure))\n" }
            let message = request.messageID.map { ", message \($0)" } ?? ""
            return "\(request.isApplied ? "applied" : "asked"): \(what) via \(request.transport)\(message)\n"
        }.joined()
    }
}

extension MetadataReply {
    /// The columns of repadmin /showobjmeta.
    package var text: String {
        var text = "\(HumanText.line(dn))\nobject GUID: \(objectGUID)\n\n"
        var table = TextTable([
            ">local USN", "originating DSA", ">org. USN", "org. time", ">ver", "attribute",
        ])
        for attribute in attributes {
            table.add([
                "\(attribute.localUSN)",
                attribute.server.map(HumanText.line) ?? attribute.invocationID.description,
                "\(attribute.originatingUSN)", RepadminTime.text(attribute.time), "\(attribute.version)",
                attribute.name,
            ])
        }
        text += table.text
        guard !links.isEmpty else { return text }
        var linked = TextTable([
            "link", "state", ">local USN", "originating DSA", ">org. USN", "org. time", ">ver", "target",
        ])
        for link in links {
            linked.add([
                link.name, link.isPresent ? "PRESENT" : "ABSENT", "\(link.localUSN)",
                link.server.map(HumanText.line) ?? link.invocationID.description, "\(link.originatingUSN)",
                RepadminTime.text(link.time), "\(link.version)", HumanText.line(link.target),
            ])
        }
        return text + "\n" + linked.text
    }
}
