import Identifiers
import Replication
import Simulator
import Testing

/// Oracles that no planted bug needs are shown a wrong state here, and must object.
@Suite struct `Oracles` {
    private static func guid(_ number: UInt8) -> GUID {
        GUID(octets: [UInt8](repeating: 0, count: 15) + [number]) ?? .zero
    }

    private static let context = guid(1)
    private static let source = guid(2)
    private static let life = guid(3)
    private static let third = guid(4)

    private static func vector(_ usns: [GUID: Int64], at seconds: Int64) -> UpToDatenessVector {
        UpToDatenessVector(
            entries: usns.mapValues { VectorEntry(usn: USN($0), time: Timestamp(seconds: seconds)) }
        )
    }

    private static func part(_ usns: [GUID: Int64], at seconds: Int64) -> ChangesReply {
        ChangesReply(
            header: MessageHeader(
                dsaGUID: source,
                invocationID: life,
                bootRecords: [],
                namingContext: context
            ),
            requestID: guid(9),
            interval: USNInterval(from: .zero, to: USN(10)),
            asOf: USN(10),
            vector: vector(usns, at: seconds),
            collected: [:],
            cutFor: .full,
            needsPartialAttributes: false,
            partNumber: 1,
            isLast: true
        )
    }

    private func isAllowed(_ seconds: Int64, _ book: SnapshotBook, _ usns: [GUID: Int64]) -> Bool {
        book.allows(
            Timestamp(seconds: seconds),
            of: Self.source,
            in: Self.context,
            by: Self.vector(usns, at: 0)
        )
    }

    @Test func `a success time needs a merged snapshot that is not older`() {
        var book = SnapshotBook()
        #expect(!isAllowed(100, book, [Self.life: 10]))
        book.note(Self.part([Self.life: 10, Self.third: 5], at: 100))
        #expect(isAllowed(100, book, [Self.life: 10, Self.third: 5]))
        #expect(isAllowed(99, book, [Self.life: 10, Self.third: 6]))
        #expect(!isAllowed(101, book, [Self.life: 10, Self.third: 5]))
        #expect(!isAllowed(100, book, [Self.life: 10, Self.third: 4]))
        #expect(!isAllowed(100, book, [Self.life: 9, Self.third: 5]))
    }

    @Test func `a snapshot of another source or naming context stands for nothing`() {
        var book = SnapshotBook()
        book.note(Self.part([Self.life: 10], at: 100))
        let vector = Self.vector([Self.life: 10], at: 0)
        let time = Timestamp(seconds: 100)
        #expect(book.allows(time, of: Self.source, in: Self.context, by: vector))
        #expect(!book.allows(time, of: Self.third, in: Self.context, by: vector))
        #expect(!book.allows(time, of: Self.source, in: Self.third, by: vector))
    }

    @Test func `what a snapshot says of a life that has ended does not matter`() {
        var book = SnapshotBook()
        book.note(Self.part([Self.life: 10, Self.third: 5], at: 100))
        let vector = Self.vector([Self.life: 10], at: 0)
        let time = Timestamp(seconds: 100)
        #expect(
            book.allows(time, of: Self.source, in: Self.context, by: vector, ended: [Self.third])
        )
        #expect(!book.allows(time, of: Self.source, in: Self.context, by: vector))
    }

    @Test func `an acknowledged write that a replica lacks in the end is lost`() async throws {
        let template = try await ForestTemplate.shared(sites: 2, topology: .mesh)
        let world = try await World(WorldSettings(seed: 1), on: template)
        try await world.startAll()
        try await world.perform(.block(from: 0, to: 1))
        try await world.perform(.add(site: 0, .configuration, isGroup: false, name: 0, parent: nil))
        var found: OracleViolation?
        do { try await world.checkNothingLost() } catch let violation as OracleViolation { found = violation }
        #expect(found?.oracle == .lostWrite)
        try await world.heal()
        try await world.checkNothingLost()
    }

    @Test func `a partner starves when it lacks what was written too many slots ago`() {
        var watch = LoadWatch(delaySlots: 1)
        #expect(watch.lagSlots == 6)
        for usn in 1...6 {
            watch.note(written: USN(Int64(usn)))
            #expect(watch.starvation(at: .zero) == nil)
        }
        watch.note(written: USN(7))
        #expect(watch.starvation(at: .zero) == 7)
        #expect(watch.starvation(at: USN(1)) == nil)
        watch.note(written: USN(8))
        #expect(watch.starvation(at: USN(1)) == 7)
        #expect(watch.starvation(at: USN(2)) == nil)
    }
}
