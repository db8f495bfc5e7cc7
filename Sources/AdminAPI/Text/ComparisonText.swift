import Identifiers

extension CompareReply {
    /// Per naming context one line, then what differs.
    package var text: String {
        comparisons.map { $0.text(with: HumanText.line(partner)) }.joined()
    }
}

extension ContextComparison {
    fileprivate func text(with partner: String) -> String {
        var text = "\(HumanText.line(namingContext))\n"
        if let failure { return text + "    not compared with \(partner): \(HumanText.line(failure))\n" }
        let kind = isPartial ? " as far as the partial attribute set goes" : ""
        if differing == 0 {
            text += "    equal to \(partner)\(kind): \(equal) objects\n"
        } else {
            text += "    DIFFERS from \(partner)\(kind): \(differing) of \(equal + differing) objects\n"
        }
        if moving > 0 { text += "    \(moving) objects have writes still on their way\n" }
        if collected > 0 { text += "    \(collected) tombstones are collected at one side only\n" }
        for row in vector {
            text +=
                "    at \(row.server.map { HumanText.line($0) } ?? "\(row.invocationID)") USN \(row.usn)\n"
        }
        for difference in differences {
            let words =
                switch difference.kind {
                case .onlyHere: "only here   "
                case .onlyThere: "only there  "
                case .unlike: "unlike      "
                }
            text +=
                "    \(words) \(difference.objectGUID) \(difference.dn.map { HumanText.line($0) } ?? "")\n"
        }
        if differing > differences.count { text += "    and \(differing - differences.count) more\n" }
        return text
    }
}

extension ReplicationCursorsReply {
    /// The vectors alone, as repadmin /showutdvec has them.
    package var vectorText: String {
        namingContexts.map { context in
            var text = "\(HumanText.line(context.namingContext))\n"
            for row in context.vector {
                let server =
                    row.server.map { HumanText.line($0) } ?? "\(row.invocationID) (retired or unknown)"
                text +=
                    "    \(server) @ USN \(row.usn) @ Time \(row.time.map(RepadminTime.text) ?? "(unknown)")\n"
            }
            return text + (context.vector.isEmpty ? "    (empty)\n" : "")
        }.joined()
    }
}
