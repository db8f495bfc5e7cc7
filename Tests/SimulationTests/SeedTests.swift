import Simulator
import Testing

@Suite(.serialized, .timeLimit(.minutes(5))) struct `Seeds` {
    @Test(arguments: UInt64(1)...8)
    func `a seed's forest converges and loses nothing`(seed: UInt64) async throws {
        let result = try await Scenario(seed: seed).run()
        #expect(result.failure == nil, "\(result.failure.map { "\($0.violation)" } ?? "")")
    }

    @Test(arguments: [UInt64(3), 8])
    func `a seed plays the same again`(seed: UInt64) async throws {
        let first = try await Scenario(seed: seed).run()
        let second = try await Scenario(seed: seed).run()
        #expect(first.digest == second.digest)
    }
}
