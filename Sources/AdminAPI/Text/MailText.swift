/// What `mail list` prints.
package enum MailText {
    package static func table(_ files: [MailFileReply]) -> String {
        guard !files.isEmpty else { return "no mail\n" }
        var table = TextTable([
            "folder", "id", "partner", "service", ">age", ">size", ">attempts", "last reply", "summary",
        ])
        for file in files {
            table.add([
                file.folder, file.id, file.partner.map(HumanText.line) ?? "",
                file.service.map(HumanText.line) ?? "",
                HumanText.age(seconds: file.ageSeconds), HumanText.octets(file.octets),
                file.attempts.map(String.init) ?? "", file.lastReply.map(HumanText.line) ?? "",
                HumanText.line(file.summary ?? file.held.map(\.line) ?? ""),
            ])
        }
        return table.text
    }
}

extension MailShowReply {
    package var text: String {
        var text = "mail \(id)\(folder.map { " in \($0)" } ?? ""), \(HumanText.octets(octets)): \(verdict)\n"
        if let reason { text += "reason: \(HumanText.line(reason))\n" }
        if let hint { text += "hint: \(HumanText.line(hint))\n" }
        if let summary { text += "summary: \(HumanText.line(summary))\n" }
        if let held { text += "\nheld part\n" + held.lines.map { "  \(HumanText.line($0))\n" }.joined() }
        text += Self.block("header", fields) + Self.block("sealed", envelope)
        if !hops.isEmpty {
            var table = TextTable(["  from", "by", "at", ">delay"])
            for hop in hops {
                table.add([
                    "  " + (hop.from.map(HumanText.line) ?? "?"), hop.by.map(HumanText.line) ?? "?",
                    hop.time.map(RepadminTime.text) ?? "?",
                    hop.delaySeconds.map { HumanText.age(seconds: $0) } ?? "",
                ])
            }
            text += "\nhops\n" + table.text
        }
        if let signer {
            text += "\nsigner\n" + signer.lines.map { "  \(HumanText.line($0))\n" }.joined()
        }
        if let payloadText { text += "\npayload\n" + HumanText.lines(payloadText) }
        return text.hasSuffix("\n") ? text : text + "\n"
    }

    private static func block(_ title: String, _ fields: [MailFieldReply]) -> String {
        guard !fields.isEmpty else { return "" }
        return "\n\(title)\n"
            + fields.map { "  \(HumanText.line($0.name)): \(HumanText.line($0.value))\n" }.joined()
    }
}

extension CertificateReply {
    /// The certificate's own summary, or the facts that are known.
    package var lines: [String] {
        guard summary.isEmpty else { return summary }
        return [
            "subject     \(subject.isEmpty ? "-" : subject)", "issuer      \(issuer)",
            "serial      \(serial)",
            "valid from  \(notBefore)", "valid to    \(notAfter)", "SHA-256     \(fingerprintSHA256)",
        ]
    }

    package var text: String {
        "\(use)\(file.map { " (\($0))" } ?? "")\n" + lines.map { "  \(HumanText.line($0))\n" }.joined()
    }
}
