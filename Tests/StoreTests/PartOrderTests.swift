import DirectoryModel
import Identifiers
import Replication
import Testing

@testable import Store

@Suite struct `The order of parts` {
    private func source(objects: Int) async throws -> Replica {
        let hq = try await Replica.withDomain(1)
        for number in 0..<objects {
            try await hq.write(unit("OU=U\(number),DC=reskit,DC=example", .numbered(UInt64(100 + number))))
        }
        return hq
    }

    /// The fixed objects of a naming context are parts, too.
    private func source(parts: Int) async throws -> Replica {
        let fixed = try await asking(source(objects: 0)).parts.count
        return try await source(objects: parts - fixed)
    }

    /// A replica that has asked, and the answer in parts of one object each.
    private func asking(_ hq: Replica) async throws -> (van: Replica, parts: [ChangesReply]) {
        let van = try Replica(2)
        try await van.store.addReplica(Replica.domain, isPartial: false)
        var limits = PartLimits()
        limits.objectsMax = 1
        return (van, try await van.request(from: hq, id: .numbered(77), limits: limits))
    }

    private func claimed(_ van: Replica, of hq: Replica) async throws -> USN? {
        try await van.store.snapshot { snapshot in
            try snapshot.vector(of: Replica.domain.guid, at: at(200))[hq.invocation]?.usn
        }
    }

    /// Applies the parts in this order; the vector may speak of them only when the last one is there.
    private func play(_ order: [Int], from hq: Replica, expected: [String]?) async throws -> [String] {
        let (van, parts) = try await asking(hq)
        var missing = Set(parts.indices)
        let asOf = try await hq.highestUSN()
        for index in order.map({ $0 % parts.count }) + Array(missing) {
            _ = try await van.apply([parts[index]])
            missing.remove(index)
            let claimed = try await claimed(van, of: hq) ?? .zero
            #expect((claimed == asOf) == missing.isEmpty, "\(order): \(claimed) with \(missing) missing")
            if !missing.isEmpty { #expect(claimed == .zero, "\(order)") }
        }
        let dump = try await van.dump()
        if let expected { #expect(dump == expected, "\(order)") }
        return dump
    }

    private static func orders(of count: Int) -> [[Int]] {
        guard count > 0 else { return [[]] }
        return orders(of: count - 1).flatMap { order in
            (0..<count).map { Array(order.prefix($0)) + [count - 1] + order.dropFirst($0) }
        }
    }

    @Test(.timeLimit(.minutes(2)))
    func `never shows, and claims nothing before the last gap is filled: all orders of five`() async throws {
        let hq = try await source(parts: 5)
        let count = try await asking(hq).parts.count
        #expect(count == 5)
        var expected: [String]?
        let orders = Self.orders(of: count)
        for order in orders { expected = try await play(order, from: hq, expected: expected) }
        #expect(orders.count == 120)
    }

    @Test(.timeLimit(.minutes(2)))
    func `never shows, and claims nothing before the last gap is filled: of ten, with repeats`() async throws
    {
        let hq = try await source(parts: 10)
        let seed = UInt64.random(in: .min ... .max)
        var random = SeededGenerator(seed: seed)
        let count = try await asking(hq).parts.count
        #expect(count == 10)
        var expected: [String]?
        for _ in 0..<200 {
            let repeats = (0..<3).map { _ in Int.random(in: 0..<count, using: &random) }
            let order = (Array(0..<count) + repeats).shuffled(using: &random)
            expected = try await play(order, from: hq, expected: expected)
        }
    }

    @Test func `a clock that was set back by a year loses no write of its own`() async throws {
        let year: Int64 = 365 * 86_400
        let hq = try await Replica.withDomain(1)
        let van = try await Replica.joined(2, to: hq)
        let dn = "CN=Ada,DC=reskit,DC=example"
        try await hq.write(person(dn, .numbered(4), ["title": ["first"]]), seconds: year)
        try await hq.write(modify(dn, .replace, "title", "second"), seconds: year + 1)
        try await hq.write(modify(dn, .replace, "title", "third"), seconds: 2)
        let parts = try await hq.looseParts()
        try await van.pull(from: hq, seconds: year + 100)
        _ = try await van.apply(parts, seconds: year + 100)
        for replica in [hq, van] {
            #expect(try await replica.entry(dn)?.string("title") == "third")
        }
        #expect(try await hq.stampedState() == van.stampedState())
    }
}
