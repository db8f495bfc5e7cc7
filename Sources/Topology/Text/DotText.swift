/// The trees of a plan for Graphviz: a cluster for each, arrows where changes flow one way only.
package enum DotText {
    /// - Returns: a digraph that ends in a line feed; site names are quoted whatever is in them.
    package static func digraph(_ snapshot: TopologySnapshot, _ plan: Plan) -> String {
        var lines = ["digraph kcc {", "  node [shape=box];"]
        for (number, tree) in plan.trees.enumerated() {
            lines.append("  subgraph cluster_\(number) {")
            let names = tree.namingContexts.map { snapshot[$0].name }.joined(separator: "\n")
            lines.append("    label=\(quoted(names));")
            for (position, colour) in tree.colours.enumerated() {
                guard let pen = pen(colour) else { continue }
                let name = snapshot.sites[position].name
                lines.append("    s\(number)_\(position) [label=\(quoted(name)), color=\(pen)];")
            }
            for (edge, flow) in zip(tree.edges, tree.flows) {
                let label =
                    "\(snapshot[edge.transport].name) \(edge.info.cost) / \(edge.info.intervalMinutes) min"
                let direction =
                    switch flow {
                    case .both: "both"
                    case .toFirst: "back"
                    case .toSecond: "forward"
                    }
                lines.append(
                    "    s\(number)_\(edge.first.position) -> s\(number)_\(edge.second.position) "
                        + "[label=\(quoted(label)), dir=\(direction)];"
                )
            }
            lines.append("  }")
        }
        return (lines + ["}"]).joined(separator: "\n") + "\n"
    }

    private static func pen(_ colour: SiteColour) -> String? {
        switch colour {
        case .red: "red"
        case .black: "black"
        case .white: nil
        }
    }

    private static func quoted(_ text: String) -> String {
        var quoted = "\""
        for character in text {
            switch character {
            case "\"": quoted += "\\\""
            case "\\": quoted += "\\\\"
            case "\n": quoted += "\\n"
            default: quoted.append(character)
            }
        }
        return quoted + "\""
    }
}
