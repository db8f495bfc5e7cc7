import DirectoryModel
import Identifiers

extension TopologySnapshot {
    /// Reads the objects of a configuration naming context, in any order; others among them are passed over.
    package init(_ objects: some Sequence<TopologyObject>) {
        var reader = SnapshotReader()
        for object in objects { reader.add(object) }
        self = reader.read()
    }

    /// Reads LDIF; records that cannot be read are findings.
    package init(ldif octets: [UInt8]) {
        var reader = LDIFTopologyReader()
        reader.feed(octets[...])
        self = reader.finish()
    }
}

/// Reads a topology from LDIF in pieces of any size.
package struct LDIFTopologyReader {
    private var ldif = LDIFReader()
    private var reader = SnapshotReader()

    package init() {}

    package mutating func feed(_ octets: ArraySlice<UInt8>) { take(ldif.feed(octets)) }

    package mutating func finish() -> TopologySnapshot {
        take(ldif.finish())
        return reader.read()
    }

    private mutating func take(_ results: [Result<LDIFRecord, LDIFError>]) {
        for result in results {
            switch result {
            case .success(let record):
                if let object = TopologyObject(record) {
                    reader.add(object)
                } else {
                    reader.note(
                        Finding(
                            .recordUnreadable,
                            subject: "line \(record.line)",
                            "the record is a change of an object and not an object; it is passed over",
                            hint: "export the configuration naming context as content"
                        )
                    )
                }
            case .failure(let error):
                reader.note(
                    Finding(
                        .recordUnreadable,
                        subject: "line \(error.line)",
                        "\(error.reason); the record is passed over",
                        hint: error.hint
                    )
                )
            }
        }
    }
}

/// Resolves names into references and notes what is wrong on the way.
struct SnapshotReader {
    /// An object of a class that matters, with its name read.
    struct Item {
        let guid: GUID
        let name: NameTable.ID
        let object: TopologyObject
        var dn: String { object.dn }
    }

    var names = NameTable()
    var snapshot = TopologySnapshot()
    private var items: [TopologyClass: [Item]] = [:]
    var deleted: Set<NameTable.ID> = []
    private var originName: String?

    // Where each object went, by name.
    var sites: [NameTable.ID: Ref<Site>] = [:]
    var transports: [NameTable.ID: Ref<InterSiteTransport>] = [:]
    var links: [NameTable.ID: Ref<SiteLink>] = [:]
    var servers: [NameTable.ID: Ref<Server>] = [:]
    var dsas: [NameTable.ID: Ref<DirectorySystemAgent>] = [:]
    var namingContexts: [NameTable.ID: Ref<NamingContextView>] = [:]
    /// Of crossRefs that are disabled or of another forest.
    var foreignContexts: Set<NameTable.ID> = []

    mutating func note(_ finding: Finding) { snapshot.findings.append(finding) }

    mutating func add(_ object: TopologyObject) {
        if let service = object.string(.dsServiceName) { originName = service }
        guard let kind = object.kind else { return }
        guard let name = names.id(of: object.dn) else {
            return note(
                Finding(
                    .nameUnreadable,
                    .error,
                    subject: object.dn,
                    "the name of the \(kind.rawValue) is no distinguished name; the object is not used"
                )
            )
        }
        guard !object.isDeleted else {
            deleted.insert(name)
            return
        }
        guard let guid = object.guid else {
            return note(
                Finding(
                    .objectWithoutGUID,
                    .error,
                    subject: object.dn,
                    "the \(kind.rawValue) has no objectGUID that can be read; the object is not used",
                    hint: "export the attribute objectGUID, too"
                )
            )
        }
        items[kind, default: []].append(Item(guid: guid, name: name, object: object))
    }

    /// Sorted by objectGUID, each identity once.
    mutating func take(_ kind: TopologyClass) -> [Item] {
        let sorted = (items.removeValue(forKey: kind) ?? [])
            .map { ($0.guid.attributeOrder, $0) }
            .sorted { ($0.0.0, $0.0.1, $0.1.dn) < ($1.0.0, $1.0.1, $1.1.dn) }
            .map(\.1)
        var kept: [Item] = []
        kept.reserveCapacity(sorted.count)
        for item in sorted {
            if let last = kept.last, last.guid == item.guid {
                note(
                    Finding(
                        .duplicateGUID,
                        .error,
                        subject: item.dn,
                        "it has the objectGUID \(item.guid) of \(last.dn); it is not used"
                    )
                )
            } else {
                kept.append(item)
            }
        }
        return kept
    }

    mutating func read() -> TopologySnapshot {
        readSites()
        readTransports()
        readLinks()
        readBridges()
        readSubnets()
        readNamingContexts()
        readServers()
        readDSAs()
        readSettings()
        readConnections()
        snapshot.origin = originName.flatMap { names.id(of: $0) }.flatMap { dsas[$0] }
        checkServers()
        snapshot.findings.sort()
        return snapshot
    }
}

// MARK: - Values

extension SnapshotReader {
    /// The number, or the default with a finding when the text is none.
    mutating func number(_ item: Item, _ attribute: TopologyAttribute, default fallback: Int) -> Int {
        guard let text = item.object.string(attribute) else { return fallback }
        if let number = Int(text) { return number }
        note(
            Finding(
                .numberUnreadable,
                subject: item.dn,
                "\(attribute.rawValue) is no number; \(fallback) is used"
            )
        )
        return fallback
    }

    /// Bits of 32-bit attributes, which LDAP shows as signed numbers.
    mutating func bits(_ item: Item, _ attribute: TopologyAttribute = .options) -> UInt32 {
        UInt32(truncatingIfNeeded: number(item, attribute, default: 0))
    }

    /// Nil when there is none; `otherwise`, with a finding, when it cannot be read.
    mutating func schedule(_ item: Item, otherwise: Schedule = .always) -> Schedule? {
        guard let octets = item.object.octets(.schedule).first else { return nil }
        do {
            return try Schedule(octets: octets)
        } catch {
            note(
                Finding(
                    .scheduleUnreadable,
                    subject: item.dn,
                    "its schedule cannot be read: \(error); it counts as \(otherwise)",
                    hint: "write the schedule anew"
                )
            )
            return otherwise
        }
    }

    /// The sites that a value names; what names none is a finding.
    mutating func site(_ text: String, of item: Item, what: String) -> Ref<Site>? {
        let name = names.id(of: text)
        if let name, let site = sites[name] { return site }
        let isDeleted = name.map { deleted.contains($0) || names.leaf(of: $0).contains("\nDEL:") } ?? false
        note(
            Finding(
                isDeleted ? .siteDeleted : .siteUnknown,
                subject: item.dn,
                "\(what) names \(text), which is \(isDeleted ? "deleted" : "no site"); it is passed over",
                hint: "take the value out"
            )
        )
        return nil
    }
}
