import Identifiers

extension ConflictListReply {
    /// What `conflict list` prints.
    package var text: String {
        var text = "no conflicts\n"
        if !conflicts.isEmpty {
            var table = TextTable([">id", "kind", "object", "attribute", "lost", "won", "what happened"])
            for conflict in conflicts {
                table.add([
                    conflict.id.map(String.init) ?? "-", conflict.kind.rawValue,
                    HumanText.line(conflict.dn ?? "<GUID=\(conflict.objectGUID)>"),
                    conflict.attribute.map(HumanText.line) ?? "", conflict.losing.line,
                    conflict.winning?.line ?? "", HumanText.line(conflict.text),
                ])
            }
            text = table.text
        }
        if !isComplete { text += "and more: --limit\n" }
        if ledgerDropped > 0 {
            text +=
                "\(ledgerDropped) older entries made room; the ledger holds \(ledgerEntries), "
                + "\(HumanText.octets(ledgerOctets))\n"
        }
        return text
    }
}

extension ConflictWriteReply {
    /// Who and when.
    package var line: String {
        "\(HumanText.line(server ?? invocationID.description)) \(RepadminTime.text(time)) v\(version)"
    }
}

extension ConflictShowReply {
    /// What `conflict show` prints.
    package var text: String {
        var text = "conflict \(conflict.id.map(String.init) ?? "-"): \(HumanText.line(conflict.text))\n"
        text += "object    \(HumanText.line(conflict.dn ?? "-")) (\(conflict.objectGUID))\n"
        if let attribute = conflict.attribute { text += "attribute \(HumanText.line(attribute))\n" }
        text += "lost      \(conflict.losing.line)\n"
        if let winning = conflict.winning {
            text += "won       \(winning.line)\(isWinnerStanding ? "" : " (written again since)")\n"
        }
        if let found = conflict.found {
            text +=
                "found     \(RepadminTime.text(found)) in a part of \(HumanText.line(conflict.source ?? "?"))\n"
        }
        return text + Self.block("losing values", losingValues) + Self.block("current values", currentValues)
    }

    private static func block(_ title: String, _ values: [AttributeValue]) -> String {
        guard !values.isEmpty else { return "\(title): none\n" }
        let lines = values.map { value in
            "  \(value.text.map(HumanText.line) ?? "(\(value.octets.count) octets that are no text)")\n"
        }
        return "\(title)\n" + lines.joined()
    }
}

extension MailDecisionReply {
    package var line: String { "mail \(id) in \(folder): \(HumanText.line(text))\n" }
}

extension HeldPartReply {
    /// In one line of `mail list`.
    package var line: String { "part \(namingContext) usn (\(from),\(to)] came \(times) times" }

    /// Lines of `mail show`.
    package var lines: [String] {
        var lines = [
            "naming context  \(namingContext)", "source          \(source)",
            "usn             (\(from),\(to)]",
            "reason          \(reason)",
            "came            \(times) times, \(RepadminTime.text(firstSeen)) to \(RepadminTime.text(lastSeen))",
        ]
        if let decided {
            lines.append(
                "decision        \(decision) by \(decidedBy ?? "?") at \(RepadminTime.text(decided))"
            )
        }
        return lines
    }
}
