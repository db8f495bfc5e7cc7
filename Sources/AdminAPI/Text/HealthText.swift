extension HealthReply {
    /// Whether the DSA itself does its work.
    ///
    /// Links that fail do not count: whoever is cut off from a partner serves on, and catches up later.
    package var isServing: Bool { failures.isEmpty }

    /// What keeps it from working, one sentence for each check.
    package var failures: [String] {
        checks.filter { !$0.isPassed && !HealthCheck.ofOthers.contains($0.name) }.map {
            "\($0.name): \($0.text)"
        }
    }

    /// What `healthcheck` prints.
    package var text: String {
        var table = TextTable(["check", "result", "text"])
        for check in checks {
            table.add([
                HumanText.line(check.name), check.isPassed ? "passed" : "failed", HumanText.line(check.text),
            ])
        }
        return table.text
    }
}
