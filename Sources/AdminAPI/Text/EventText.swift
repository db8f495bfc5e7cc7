extension EventReply {
    /// One line of `watch`: kind, partner, naming context, what happened.
    package var line: String {
        let cells = [(kind, 14), (partner ?? "-", 14), (namingContext ?? "-", 28)].map { cell, width in
            let text = HumanText.line(cell)
            return text + String(repeating: " ", count: max(0, width - text.count))
        }
        return (cells + [HumanText.line(text)]).joined(separator: " ")
    }
}

extension ImportProgress {
    package var text: String {
        let here = alreadyHere > 0 ? "\(alreadyHere) already here, " : ""
        return "\(read) read, \(imported) imported, \(merged) merged, \(here)\(refused) refused"
    }
}

extension ImportReply {
    /// The counts, then every refused record.
    package var text: String {
        let counts = ImportProgress(
            read: read,
            imported: imported,
            merged: merged,
            alreadyHere: alreadyHere,
            refused: refused
        )
        var text = counts.text + "\n"
        for refusal in refusals {
            text +=
                "refused: line \(refusal.line): \(HumanText.line(refusal.dn)): \(HumanText.line(refusal.reason))\n"
        }
        if refusals.count < refused { text += "and \(refused - refusals.count) more\n" }
        return text
    }
}

extension WriteReply {
    package func text(_ done: String) -> String {
        results.map { result in
            let what = "\(HumanText.line(result.dn)) (\(result.objectGUID))"
            return result.usn.map { "\(done) \(what) at USN \($0)\n" } ?? "unchanged \(what)\n"
        }.joined()
    }
}

extension ConfigurationReply {
    package func text(withOrigin: Bool) -> String {
        let lines = values.map { "\($0.key): \(HumanText.line($0.value))" }
        guard withOrigin else { return lines.map { $0 + "\n" }.joined() }
        var table = TextTable(["key", "value", "origin", "source"])
        for value in values {
            table.add([
                value.key, HumanText.line(value.value), value.origin, value.source.map(HumanText.line) ?? "",
            ])
        }
        return table.text
    }
}
