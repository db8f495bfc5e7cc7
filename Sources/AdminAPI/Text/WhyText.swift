package import Identifiers

extension WhyReply {
    /// Each value with its write, then each part with its mail and the hops of that.
    package var text: String {
        var text = "\(HumanText.line(dn))\nobject GUID: \(objectGUID)\n"
        for value in values { text += "\n" + value.text }
        for (index, part) in parts.enumerated() { text += "\npart \(index + 1): " + part.text }
        if let recordBegins, values.contains(where: { $0.way == .unrecorded }) {
            text += "\nparts are remembered from local USN \(recordBegins) on\n"
        }
        return text
    }
}

extension ValueOrigin {
    fileprivate var text: String {
        var text = HumanText.line(name)
        if let target { text += " \(HumanText.line(target))\(isPresent == false ? " (removed)" : "")" }
        text += "\n"
        for value in values ?? [] { text += "    value   \(HumanText.line(value.shown))\n" }
        let writer = server.map(HumanText.line) ?? "\(invocationID)"
        text += "    written \(RepadminTime.text(time)) by \(writer), version \(version), "
        text += "its USN \(originatingUSN)\n    here    USN \(localUSN), "
        switch way {
        case .here: text += "written at this DSA"
        case .unrecorded: text += "came before the record of parts begins"
        case .part: text += "came with part \((part ?? 0) + 1)"
        }
        if let delaySeconds { text += ", applied \(DelayText.text(delaySeconds)) after the write" }
        return text + "\n"
    }
}

extension AttributeValue {
    fileprivate var shown: String { text ?? "(\(octets.count) octets that are no text)" }
}

extension PartOriginReply {
    fileprivate var text: String {
        var text = "\(HumanText.line(namingContext)) from \(HumanText.line(source))\n"
        text +=
            "    its USN (\(interval.from), \(interval.to)] as of \(interval.asOf), request \(requestID)\n"
        text += "    local USN \(firstLocalUSN) to \(lastLocalUSN)\n"
        guard let mail else {
            return text + "    \(isMedia ? "media, loaded" : "applied") \(RepadminTime.text(applied))\n"
        }
        text += "    mail \(HumanText.line(mail.id)) over \(HumanText.line(mail.transport)), "
        text += "message \(mail.messageID)\n"
        if let field = mail.messageIDField { text += "    Message-ID <\(HumanText.line(field))>\n" }
        var table = TextTable(["    step", "at", ">delay"])
        table.add(["    sent by \(HumanText.line(source))", RepadminTime.text(mail.sent), ""])
        if mail.omittedHops > 0 { table.add(["    \(mail.omittedHops) hops not remembered", "", ""]) }
        for hop in mail.hops {
            let words = [hop.from.map { "from \($0)" }, hop.by.map { "by \($0)" }].compactMap { $0 }
            table.add([
                "    \(HumanText.line(words.isEmpty ? "a hop" : words.joined(separator: " ")))",
                hop.time.map(RepadminTime.text) ?? "?",
                hop.delaySeconds.map(DelayText.text) ?? "",
            ])
        }
        let before = mail.hops.compactMap(\.time).last ?? mail.sent
        table.add([
            "    in mailroot/Drop", RepadminTime.text(mail.received),
            DelayText.text(before.seconds(until: mail.received)),
        ])
        table.add([
            "    applied", RepadminTime.text(applied),
            DelayText.text(mail.received.seconds(until: applied)),
        ])
        return text + table.text
    }
}

extension Timestamp {
    /// Negative when the other time is earlier: the clocks are not one.
    package func seconds(until other: Timestamp) -> Int64 {
        let (difference, overflow) = other.seconds.subtractingReportingOverflow(seconds)
        return overflow ? (other.seconds > seconds ? .max : .min) : difference
    }
}

private enum DelayText {
    static func text(_ seconds: Int64) -> String {
        seconds < 0
            ? "-" + HumanText.age(seconds: seconds == .min ? .max : -seconds)
            : HumanText.age(seconds: seconds)
    }
}
