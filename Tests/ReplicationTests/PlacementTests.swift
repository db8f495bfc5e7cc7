import DirectoryModel
import Identifiers
import Testing

@testable import Replication

/// The objects of one naming context in memory, counting what placement reads.
struct DictionaryView: PlacementView {
    var nodes: [GUID: PlacementNode] = [:]
    var childrenRead = 0
    var saves = 0

    mutating func node(_ objectGUID: GUID) -> PlacementNode? { nodes[objectGUID] }

    mutating func children(ofStampedParent parent: GUID) -> [GUID] {
        let children = nodes.values.filter { $0.parent == parent }.map(\.objectGUID)
        childrenRead += children.count
        return children
    }

    mutating func occupants(of placedParent: GUID, rdnKey: [UInt8]) -> [PlacementNode] {
        nodes.values.filter { $0.isVisible && $0.placedParent == placedParent && $0.rdnKey == rdnKey }
    }

    mutating func save(_ node: PlacementNode) {
        saves += 1
        nodes[node.objectGUID] = node
    }
}

/// One naming context whose changes are made by hand.
struct PlacementBench {
    static let head = GUID(high: 9, low: 9)
    let placement: Placement
    var view = DictionaryView()

    init(hasLostAndFound: Bool = true) {
        placement = Placement(namingContext: Self.head, hasLostAndFound: hasLostAndFound)
    }

    var lostAndFound: GUID { placement.lostAndFound }

    static func node(
        _ objectGUID: GUID,
        under parent: GUID,
        named name: String,
        time: Int = 1,
        origin: Int = 1,
        usn: Int = 1,
        isTombstone: Bool = false,
        isFixed: Bool = false
    ) -> PlacementNode {
        PlacementNode(
            objectGUID: objectGUID,
            parent: parent,
            rdnKey: RDN(type: .cn, value: name).key,
            nameStamp: Stamp(
                version: 1,
                time: Timestamp(seconds: Int64(time)),
                invocationID: .number(origin),
                originatingUSN: USN(Int64(usn))
            ),
            isTombstone: isTombstone,
            isFixed: isFixed,
            holdsMangledName: name.contains("\nCNF:")
        )
    }

    /// Changes the stamped state and lets placement follow.
    @discardableResult
    mutating func change(_ new: PlacementNode) throws -> [GUID] {
        let before = view.nodes[new.objectGUID]
        var stamped = new
        if let before {
            (stamped.placedParent, stamped.standing, stamped.isClashLoser) =
                (before.placedParent, before.standing, before.isClashLoser)
        }
        view.nodes[new.objectGUID] = stamped
        return try placement.update(new.objectGUID, before: before, in: &view)
    }

    @discardableResult
    mutating func put(_ number: Int, under parent: GUID, named name: String, time: Int = 1) throws -> [GUID] {
        try change(Self.node(.number(number), under: parent, named: name, time: time))
    }

    mutating func bury(_ number: Int) throws {
        guard var node = view.nodes[.number(number)] else { return }
        node.isTombstone = true
        try change(node)
    }

    mutating func remove(_ number: Int) throws {
        guard let before = view.nodes.removeValue(forKey: .number(number)) else { return }
        _ = try placement.update(.number(number), before: before, in: &view)
    }

    func shown(_ number: Int) -> PlacementNode? { view.nodes[.number(number)] }
}

@Suite struct `Object placement` {
    private let head = PlacementBench.head

    @Test func `an object waits for its parent, and its child with it`() throws {
        var bench = PlacementBench()
        try bench.put(2, under: .number(1), named: "b")
        try bench.put(3, under: .number(2), named: "c")
        #expect(bench.shown(2)?.standing == .waiting)
        #expect(bench.shown(3)?.standing == .waiting)
        #expect(bench.shown(3)?.placedParent == nil)
        let touched = try bench.put(1, under: head, named: "a")
        #expect(touched == [.number(1), .number(2), .number(3)])
        #expect(bench.shown(3)?.standing == .placed)
        #expect(bench.shown(3)?.placedParent == .number(2))
    }

    @Test func `children of a tombstone are in LostAndFound until it lives again`() throws {
        var bench = PlacementBench()
        try bench.put(1, under: head, named: "a")
        try bench.put(2, under: .number(1), named: "b")
        try bench.put(3, under: .number(2), named: "c")
        try bench.bury(1)
        #expect(bench.shown(1)?.standing == .tombstone)
        #expect(bench.shown(1)?.placedParent == FixedObject.deletedObjects.objectGUID(in: head))
        #expect(bench.shown(2)?.standing == .lostAndFound)
        #expect(bench.shown(2)?.placedParent == bench.lostAndFound)
        #expect(bench.shown(3)?.standing == .placed)
        try bench.put(1, under: head, named: "a", time: 2)
        #expect(bench.shown(2)?.standing == .placed)
        #expect(bench.shown(2)?.placedParent == .number(1))
    }

    @Test func `a cycle is cut at its newest name, and heals when a member moves away`() throws {
        var bench = PlacementBench()
        try bench.put(1, under: head, named: "a", time: 1)
        try bench.put(2, under: .number(1), named: "b", time: 2)
        try bench.put(3, under: .number(2), named: "c", time: 5)
        try bench.put(1, under: .number(3), named: "a", time: 4)
        #expect(bench.shown(3)?.standing == .lostAndFound)
        #expect(bench.shown(1)?.placedParent == .number(3))
        #expect(bench.shown(2)?.placedParent == .number(1))
        try bench.put(2, under: head, named: "b", time: 6)
        #expect(bench.shown(3)?.standing == .placed)
        #expect(bench.shown(3)?.placedParent == .number(2))
        try bench.put(4, under: .number(4), named: "own parent", time: 1)
        #expect(bench.shown(4)?.standing == .lostAndFound)
    }

    @Test func `the newest name keeps the plain one, a tie goes to the larger GUID`() throws {
        var bench = PlacementBench()
        try bench.put(1, under: head, named: "Kim", time: 1)
        try bench.put(2, under: head, named: "Kim", time: 2)
        #expect(bench.shown(1)?.isClashLoser == true)
        #expect(bench.shown(2)?.isClashLoser == false)
        try bench.put(3, under: head, named: "Kim", time: 2)
        #expect(bench.shown(2)?.isClashLoser == true)
        #expect(bench.shown(3)?.isClashLoser == false)
        try bench.bury(3)
        #expect(bench.shown(2)?.isClashLoser == false)
        #expect(bench.shown(3)?.isClashLoser == false)
        try bench.put(2, under: head, named: "Pat", time: 3)
        #expect(bench.shown(1)?.isClashLoser == false)
    }

    @Test func `a fixed object is never beaten and a mangled name never clashes`() throws {
        var bench = PlacementBench()
        try bench.change(
            PlacementBench.node(bench.lostAndFound, under: head, named: "LostAndFound", isFixed: true)
        )
        try bench.put(1, under: head, named: "LostAndFound", time: 9)
        #expect(bench.view.nodes[bench.lostAndFound]?.standing == .fixed)
        #expect(bench.shown(1)?.isClashLoser == true)
        try bench.put(2, under: head, named: "Kim\nCNF:x", time: 9)
        try bench.put(3, under: head, named: "Kim\nCNF:x", time: 1)
        #expect(bench.shown(3)?.isClashLoser == false)
    }

    @Test func `LostAndFound is a parent before it has arrived`() throws {
        var bench = PlacementBench()
        try bench.put(1, under: bench.lostAndFound, named: "a")
        #expect(bench.shown(1)?.standing == .placed)
        #expect(bench.shown(1)?.placedParent == bench.lostAndFound)
    }

    @Test func `in the schema the head takes orphans and tombstones are hidden in place`() throws {
        var bench = PlacementBench(hasLostAndFound: false)
        try bench.put(1, under: head, named: "a")
        try bench.put(2, under: .number(1), named: "b")
        try bench.bury(1)
        #expect(bench.shown(1)?.placedParent == nil)
        #expect(bench.shown(2)?.standing == .lostAndFound)
        #expect(bench.shown(2)?.placedParent == head)
    }

    @Test func `moving or renaming a container reads none of its children`() throws {
        var bench = PlacementBench()
        try bench.put(1, under: head, named: "a")
        try bench.put(2, under: head, named: "b")
        for number in 10..<60 { try bench.put(number, under: .number(1), named: "c\(number)") }
        bench.view.childrenRead = 0
        let touched = try bench.put(1, under: .number(2), named: "a", time: 2)
        #expect(touched == [.number(1)])
        #expect(bench.view.childrenRead == 0)
        bench.view.saves = 0
        #expect(try bench.put(1, under: .number(2), named: "a", time: 2) == [])
        #expect(bench.view.saves == 0)
    }

    /// A random stamped state in a world so small that clashes and cycles are everyday.
    private func randomNode(_ bench: PlacementBench, _ random: inout WorldRandom) -> PlacementNode {
        let numbers = 1...6
        let parents = numbers.map { GUID.number($0) } + [head, head, bench.lostAndFound, .number(7)]
        return PlacementBench.node(
            .number(random.int(numbers)),
            under: parents.randomElement(using: &random) ?? head,
            named: ["a", "b", "a\nCNF:x"].randomElement(using: &random) ?? "a",
            time: random.int(1...4),
            origin: random.int(1...2),
            usn: random.int(1...3),
            isTombstone: random.chance(0.2)
        )
    }

    @Test func `incremental placement equals full recomputation after every change`() throws {
        var (cycles, clashes, orphans, waiting, changes, touches) = (0, 0, 0, 0, 0, 0)
        for seed in 0..<500 {
            var random = WorldRandom(seed: seed)
            var bench = PlacementBench(hasLostAndFound: random.chance(0.8))
            for _ in 0..<40 {
                let before = bench.view.nodes
                var touched: Set<GUID>
                if random.chance(0.06),
                    let gone = bench.view.nodes.keys.sorted().randomElement(using: &random)
                {
                    let node = bench.view.nodes.removeValue(forKey: gone)
                    touched = Set(try bench.placement.update(gone, before: node, in: &bench.view))
                } else {
                    let node = randomNode(bench, &random)
                    touched = Set(try bench.change(node))
                    touched.insert(node.objectGUID)
                }
                let expected = bench.placement.recompute(bench.view.nodes.values)
                try #require(bench.view.nodes == expected, "seed \(seed)")
                for (objectGUID, node) in bench.view.nodes where before[objectGUID] != node {
                    try #require(touched.contains(objectGUID), "seed \(seed): \(objectGUID) changed untold")
                }
                (changes, touches) = (changes + 1, touches + touched.count)
                for node in expected.values {
                    if node.isClashLoser { clashes += 1 }
                    if node.standing == .waiting { waiting += 1 }
                    guard node.standing == .lostAndFound else { continue }
                    if expected[node.parent]?.isTombstone == true { orphans += 1 } else { cycles += 1 }
                }
            }
        }
        #expect(min(cycles, clashes, orphans, waiting) > 1000, "the worlds are too tame")
        #expect(touches < 3 * changes)
    }

    @Test func `the order in which stamped state arrives never shows`() throws {
        for seed in 0..<400 {
            var random = WorldRandom(seed: seed)
            let probe = PlacementBench()
            // One final state per object: which of several wins is the business of stamps.
            var final: [GUID: PlacementNode] = [:]
            for _ in 0..<12 {
                let node = randomNode(probe, &random)
                final[node.objectGUID] = node
            }
            let nodes = final.values.sorted { $0.objectGUID < $1.objectGUID }
            var results: [[GUID: PlacementNode]] = []
            for _ in 0..<3 {
                var bench = PlacementBench()
                // Detours through other states must leave no trace.
                for _ in 0..<random.int(0...6) {
                    let detour = randomNode(bench, &random)
                    if final[detour.objectGUID] != nil { try bench.change(detour) }
                }
                for node in nodes.shuffled(using: &random) { try bench.change(node) }
                results.append(bench.view.nodes)
            }
            #expect(results[0] == results[1], "seed \(seed)")
            #expect(results[0] == results[2], "seed \(seed)")
        }
    }
}
