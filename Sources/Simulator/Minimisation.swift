/// Finds a shorter list of operations that still fails in the same way (delta debugging).
package struct Minimisation: Sendable {
    /// Runs spent at most.
    package static let runsMax = 400

    package init() {}

    /// - Returns: the scenario with as few operations as were found, and its result.
    package func shorten(
        _ scenario: Scenario,
        failingBy oracle: OracleViolation.Oracle
    ) async throws -> Scenario {
        var best = scenario
        var runs = 0
        let fails = { (candidate: Scenario) async throws -> Bool in
            runs += 1
            return try await candidate.run().failure?.violation.oracle == oracle
        }
        var size = max(1, best.operations.count / 2)
        while size >= 1, runs < Self.runsMax {
            var start = 0
            var hasShrunk = false
            while start < best.operations.count, runs < Self.runsMax {
                var candidate = best
                candidate.operations.removeSubrange(start..<min(start + size, best.operations.count))
                if try await fails(candidate) {
                    best = candidate
                    hasShrunk = true
                } else {
                    start += size
                }
            }
            if size == 1, !hasShrunk { break }
            if !hasShrunk || size > best.operations.count { size /= 2 }
        }
        return best
    }
}
