package import Identifiers

/// A plan in words: every connection with its reasons, every absence with its own.
package struct PlanText {
    private let snapshot: TopologySnapshot
    private let plan: Plan

    package init(_ snapshot: TopologySnapshot, _ plan: Plan) {
        (self.snapshot, self.plan) = (snapshot, plan)
    }

    /// Connections and findings; with `explains` also reasons, absences and trees.
    package func lines(for dsa: Ref<DirectorySystemAgent>, at now: Timestamp, explains: Bool) -> [String] {
        var lines = ["Plan of \(snapshot.name(of: dsa)) at \(now)"]
        let generator = snapshot.name(of: plan.election.generator)
        lines.append("Inter-site topology generator: \(generator), since \(plan.election.ground)")
        lines += ["", "Connections (who pulls <- from whom):"]
        lines += plan.connections.isEmpty ? ["  none"] : plan.connections.flatMap { text($0, explains) }
        if !plan.removals.isEmpty { lines += ["", "Removed:"] + plan.removals.map(text) }
        if explains, !plan.absences.isEmpty { lines += ["", "Absent:"] + plan.absences.map(text) }
        if explains { lines += plan.trees.flatMap(text) }
        let findings = (snapshot.findings + plan.findings).sorted()
        if !findings.isEmpty { lines += ["", "Findings:"] + findings.flatMap(text) }
        return lines
    }

    private func text(_ connection: PlannedConnection, _ explains: Bool) -> [String] {
        let isInside = snapshot[connection.source].site == snapshot[connection.destination].site
        let way = isInside ? "within the site" : "via \(snapshot.transportName(connection.transport))"
        let state =
            connection.changes.contains(.create)
            ? "new"
            : connection.changes.isEmpty
                ? "there" : "there, changes: \(connection.changes.map(text).joined(separator: ", "))"
        var lines = [
            "  \(snapshot.name(of: connection.destination)) <- \(snapshot.name(of: connection.source)) "
                + "\(way) [\(connection.isManual ? "manual, " : "")\(state)]"
        ]
        guard explains else { return lines }
        lines.append("    requests start: \(connection.schedule)")
        if connection.reasons.isEmpty {
            lines.append("    \(connection.isManual ? "made by hand" : "nothing asks for it; it stays")")
        }
        for (reason, contexts) in grouped(connection.reasons) {
            lines.append("    \(reason)\(contexts.isEmpty ? "" : ": ")\(contexts.joined(separator: "; "))")
        }
        return lines
    }

    private func text(_ change: ConnectionChange) -> String {
        switch change {
        case .create: "new"
        case .schedule: "schedule"
        case .options: "options"
        case .transport: "transport"
        }
    }

    /// Naming contexts that have the same reason stand on one line.
    private func grouped(_ reasons: [ConnectionReason]) -> [(String, [String])] {
        var found: [(String, [String])] = []
        for reason in reasons {
            let text = text(reason)
            let name = reason.namingContext.map { snapshot[$0].name }
            if let place = found.firstIndex(where: { $0.0 == text }) {
                if let name { found[place].1.append(name) }
            } else {
                found.append((text, name.map { [$0] } ?? []))
            }
        }
        return found
    }

    private func text(_ reason: ConnectionReason) -> String {
        switch reason {
        case .ring: "neighbour on the site's ring"
        case .globalCatalogRing: "neighbour on the ring of global catalogues"
        case .shortcut: "shortcut, so that nobody is more than three hops away"
        case .pastFailed: "neighbour on the ring without the DSAs that have failed"
        case .tree(_, let edge): "tree edge \(text(edge))"
        case .treeWithoutFailures(_, let edge): "tree edge as if nobody had failed, \(text(edge))"
        case .oscillating:
            "removed \(Cleaning.removalsMax) times in \(Cleaning.oscillationDays) days; it stays"
        }
    }

    private func text(_ edge: TreeEdge) -> String {
        let links = edge.links.map { snapshot[$0].name }.joined(separator: ", ")
        return "\(snapshot[edge.first].name) - \(snapshot[edge.second].name) via "
            + "\(snapshot[edge.transport].name) over \(links): cost \(edge.info.cost), every "
            + "\(edge.info.intervalMinutes) min, open \(edge.info.schedule)"
    }

    private func text(_ removal: ConnectionRemoval) -> String {
        let connection = snapshot[removal.connection]
        let reason =
            switch removal.reason {
            case .duplicate(let other): "\(snapshot[other].name) joins the same two"
            case .unneeded: "no tree runs over it"
            case .superseded: "another connection serves every tree that it serves"
            }
        return
            "  \(snapshot.name(of: connection.destination)) <- \(snapshot.name(of: connection.source)) via "
            + "\(snapshot.transportName(connection.transport)) (\(connection.name)): \(reason)"
    }

    private func text(_ tree: PlannedTree) -> [String] {
        let names = tree.namingContexts.map { snapshot[$0].name }.joined(separator: "; ")
        let parts = tree.componentCount == 1 ? "connected" : "\(tree.componentCount) parts"
        return ["", "Tree (\(parts)) of \(names):"]
            + (tree.edges.isEmpty ? ["  no edges"] : tree.edges.map { "  \(text($0))" })
    }

    private func text(_ finding: Finding) -> [String] {
        ["  \(finding)"] + (finding.hint.map { ["    hint: \($0)"] } ?? [])
    }
}

// MARK: - Absences

extension PlanText {
    private func text(_ absence: Absence) -> String {
        var subject: [String] = []
        if let context = absence.namingContext { subject.append(snapshot[context].name) }
        if let site = absence.site { subject.append("from \(snapshot[site].name)") }
        if let transport = absence.transport { subject.append("via \(snapshot[transport].name)") }
        if let link = absence.link { subject.append("over \(snapshot[link].name)") }
        let what = subject.isEmpty ? "connections" : subject.joined(separator: " ")
        return "  \(what): \(text(absence.reason))"
    }

    private func text(_ reason: Absence.Reason) -> String {
        switch reason {
        case .notGenerator(let dsa):
            "connections from other sites are made by \(snapshot.name(of: dsa)), the generator of the site"
        case .turnedOff: "the options of the site settings turn automatic connections off"
        case .selfDisabled: "the DSA is disabled; it wants no connections"
        case .nothingHeld(let site): "\(snapshot[site].name) holds nothing of it"
        case .reachedThrough(let site, let cost):
            "changes come through \(snapshot[site].name), where the tree leads at cost \(cost)"
        case .cheaperTransport(let transport, let cost):
            "\(snapshot[transport].name) joins the two sites at cost \(cost), which wins"
        case .fedFromHere: "the replica there is partial and is fed from here, not the other way"
        case .domainNotOverMail:
            "full replicas of a domain replicate over IP alone, unless the domain allows mail"
        case .noBridgehead(let site, let passed):
            "\(snapshot[site].name) has no bridgehead for it\(text(passed))"
        case .notPresentYet(let site): "the replica in \(snapshot[site].name) is not there yet"
        case .noPath: "no way of links that are open at the same time leads there"
        case .linkClosed: "the link is never open"
        case .removalWithheld(let connection):
            "\(snapshot[connection].name) is not needed, but stays until all sites are connected"
        case .disabledByHand(let connection): "\(snapshot[connection].name) is there and is disabled by hand"
        }
    }

    private func text(_ passed: [PassedOver]) -> String {
        guard !passed.isEmpty else { return "; it has no DSA" }
        return "; "
            + passed.map { "\(snapshot[snapshot[$0.dsa].server].name) \(text($0.reason))" }
            .joined(separator: ", ")
    }

    private func text(_ reason: PassedOver.Reason) -> String {
        switch reason {
        case .disabled: "is disabled"
        case .noReplica: "does not hold it"
        case .onlyPartial: "holds it in part"
        case .noAddress: "has no address on the transport"
        case .notPreferred: "is not among the preferred bridgeheads"
        case .failed: "has failed"
        }
    }
}
