package import AdminAPI
package import DirectoryModel
package import Identifiers
package import Store

/// Imports LDIF records: in file order where that works, records before their parent or target later.
///
/// An entry that equals an existing NC head is merged into it. What cannot be written is named with line and
/// reason; everything else is kept. Records go into the store in transactions of `recordsPerTransaction`.
package struct LDIFImport {
    package static let recordsPerTransaction = 500
    /// Refusals that are reported one by one; the count goes on.
    package static let refusalsReportedMax = 1_000

    /// A record and what it became.
    private struct Pending {
        let line: Int
        let dnText: String
        var entry: Entry
    }

    private let store: DirectoryStore
    private let exchange: SuffixExchange?
    private let now: @Sendable () -> Timestamp
    private let report: @Sendable (ImportProgress) -> Void
    private var reader = LDIFReader()
    private var definitions = DefinitionImport()
    private var batch: [Pending] = []
    private var waiting: [Pending] = []
    private var planned: Set<DistinguishedName> = []
    package private(set) var progress = ImportProgress()
    package private(set) var refusals: [ImportRefusal] = []
    /// The naming contexts that were written.
    package private(set) var changed: Set<GUID> = []

    /// `report` hears of progress while nothing is fed.
    ///
    /// - Throws: `AdminError` for a suffix that is no name.
    package init(
        store: DirectoryStore,
        options: ImportOptions = ImportOptions(),
        now: @escaping @Sendable () -> Timestamp,
        report: @escaping @Sendable (ImportProgress) -> Void = { _ in }
    ) throws {
        self.store = store
        self.now = now
        self.report = report
        exchange = try Self.exchange(options, store)
    }

    /// Without a new suffix: the forest's root, which the configuration stands below.
    private static func exchange(_ options: ImportOptions, _ store: DirectoryStore) throws -> SuffixExchange?
    {
        guard let from = options.fromDN else { return nil }
        let root = store.namingContexts.first { $0.role == .configuration }?.dn.parent
        let to = try options.toDN.map { try DistinguishedName(parsing: $0, naming: store.schema) } ?? root
        guard let to else {
            throw AdminError(
                code: "badRequest",
                message:
                    "no new suffix is given for \(from), and this DSA holds no configuration to take it from",
                hint: "give --to-dn"
            )
        }
        return SuffixExchange(from: try DistinguishedName(parsing: from, naming: store.schema), to: to)
    }

    /// Takes the next octets of the file.
    package mutating func feed(_ octets: [UInt8]) async throws {
        for result in reader.feed(octets) { try await take(result) }
    }

    /// Ends the file: what waits is written as far as possible, the rest refused.
    package mutating func finish() async throws {
        for result in reader.finish() { try await take(result) }
        try await flushDefinitions()
        try await flush()
        try await addWaiting()
        try await finishWithoutTargets()
    }

    /// Goes over what waits as long as that brings something in.
    private mutating func addWaiting() async throws {
        var before = -1
        while !waiting.isEmpty, waiting.count != before {
            before = waiting.count
            let again = waiting
            waiting = []
            for pending in again { try await add(pending) }
            try await flush()
        }
    }

    private mutating func take(_ result: Result<LDIFRecord, LDIFError>) async throws {
        progress.read += 1
        switch result {
        case .failure(let error):
            if progress.read == 1, error.isSchemaListing { throw Self.notLDIF(error) }
            refuse(error.line, "", error.reason)
        case .success(let record):
            do {
                let dn = renamed(try DistinguishedName(parsing: record.dn, naming: store.schema))
                switch record.kind {
                case .content(let attributes), .add(let attributes):
                    let entry = Entry(dn: dn, attributes: renamed(attributes.filter(isWritten)))
                    try await take(entry, line: record.line, dnText: record.dn)
                case .delete, .modify, .rename:
                    try await flushDefinitions()
                    try await flush()
                    try await change(record, dn)
                }
            } catch let error as DNError {
                refuse(record.line, record.dn, "\(error)")
            }
        }
    }

    private mutating func take(_ entry: Entry, line: Int, dnText: String) async throws {
        if isDefinition(entry) {
            definitions.add(.init(line: line, dnText: dnText, entry: entry))
            if definitions.isFull { try await flushDefinitions() }
        } else {
            // A definition changes how the next record is read.
            try await flushDefinitions()
            try await add(Pending(line: line, dnText: dnText, entry: entry))
        }
    }

    private static func notLDIF(_ error: LDIFError) -> AdminError {
        AdminError(
            code: "notLDIF",
            message: "line \(error.line): \(error.reason); blocks that begin with 'cn:' are no LDIF",
            hint: """
                Microsoft's listings of its schema (MS-AD_Schema_*.txt) look like that; its .ldf files say the \
                same as LDIF
                """
        )
    }

    private func renamed(_ dn: DistinguishedName) -> DistinguishedName { exchange?.applied(to: dn) ?? dn }

    private func renamed(_ attributes: [EntryAttribute]) -> [EntryAttribute] {
        exchange?.applied(to: attributes, store.schema) ?? attributes
    }

    /// What an export says besides (back links, times, GUIDs) is computed here anew.
    private func isWritten(_ attribute: EntryAttribute) -> Bool {
        guard let definition = store.schema.attribute(named: attribute.name) else { return true }
        return !definition.isKeptByDirectory && definition.oid != .instanceType
    }

    private mutating func add(_ pending: Pending) async throws {
        if let head = store.namingContexts.first(where: { $0.dn == pending.entry.dn }) {
            try await flush()
            try await merge(pending, into: head)
            return
        }
        if try await hasUnknownTarget(pending.entry) {
            waiting.append(pending)
            return
        }
        batch.append(pending)
        planned.insert(pending.entry.dn)
        if batch.count >= Self.recordsPerTransaction { try await flush() }
    }

    /// An object that the schema naming context takes as a definition.
    private func isDefinition(_ entry: Entry) -> Bool {
        guard SchemaObject(name: "", attributes: entry.attributes).declaredKind != .other else {
            return false
        }
        return store.namingContexts.contains { $0.role == .schema && entry.dn.isDescendant(of: $0.dn) }
    }

    /// Writes the definitions that were gathered, attributes first; a refused one is taken out.
    private mutating func flushDefinitions() async throws {
        guard !definitions.isEmpty else { return }
        try await flush()
        let plan = definitions.takePlan(store.schema)
        progress.alreadyHere += plan.alreadyHere
        for (definition, reason) in plan.refusals { refuse(definition.line, definition.dnText, reason) }
        report(progress)
        for transaction in plan.transactions {
            var rest = transaction
            while !rest.isEmpty {
                do {
                    try await write(rest.map(\.operation))
                    for (_, operation) in rest {
                        if case .add = operation { progress.imported += 1 } else { progress.merged += 1 }
                    }
                    break
                } catch let error as DirectoryError {
                    let (bad, _) = rest.remove(at: min(error.operationIndex ?? 0, rest.count - 1))
                    refuse(bad.line, bad.dnText, error.sentence)
                }
            }
            report(progress)
        }
    }

    // MARK: - Targets

    private func targets(of entry: Entry, linkedOnly: Bool) -> [DistinguishedName] {
        let schema = store.schema
        return entry.attributes.flatMap { attribute -> [DistinguishedName] in
            guard let definition = schema.attribute(named: attribute.name),
                definition.syntax == .distinguishedName, !linkedOnly || definition.isForwardLink
            else { return [] }
            return attribute.values.compactMap {
                try? DistinguishedName(parsing: String(decoding: $0, as: UTF8.self), naming: schema)
            }
        }
    }

    private func hasUnknownTarget(_ entry: Entry) async throws -> Bool {
        let asked = targets(of: entry, linkedOnly: false).filter { $0 != entry.dn && !planned.contains($0) }
        guard !asked.isEmpty else { return false }
        return try await store.snapshot { snapshot in
            for dn in asked where try snapshot.resolve(dn) == nil { return true }
            return false
        }
    }

    /// Records whose targets never came, or that wait for each other: first without those linked values.
    ///
    /// What cannot stand without them (a group of nobody) gets another chance behind the others.
    private mutating func finishWithoutTargets() async throws {
        var rest = waiting
        waiting = []
        var later: [(pending: Pending, linked: [EntryAttribute])] = []
        var before = -1
        while !rest.isEmpty, rest.count != before {
            before = rest.count
            var aside: [Pending] = []
            for pending in rest {
                let (bare, linked) = try await withoutUnknownTargets(pending)
                do {
                    try await write([.add(bare.entry, objectGUID: nil)])
                    progress.imported += 1
                    if !linked.isEmpty { later.append((pending, linked)) }
                } catch is DirectoryError {
                    aside.append(pending)
                }
            }
            rest = aside
        }
        for pending in rest { try await refuse(pending) }
        for (pending, linked) in later { try await addLinked(linked, to: pending) }
    }

    /// Tries a record as it stands once more, for its reason.
    private mutating func refuse(_ pending: Pending) async throws {
        do {
            try await write([.add(pending.entry, objectGUID: nil)])
            progress.imported += 1
        } catch let error as DirectoryError {
            let parent = pending.entry.dn.parent
            let hasParent = try await store.snapshot { snapshot in
                try parent.map { try snapshot.resolve($0) != nil } ?? false
            }
            refuse(pending.line, pending.dnText, hasParent ? error.sentence : "its parent does not exist")
        }
    }

    /// One target that never came must not keep the others away.
    private mutating func addLinked(_ linked: [EntryAttribute], to pending: Pending) async throws {
        for attribute in linked {
            let (known, unknown) = try await divided(attribute)
            for values in [known.values, unknown.values] where !values.isEmpty {
                do {
                    let modification = Modification(.add, attribute.name, values)
                    try await write([.modify(.dn(pending.entry.dn), [modification])])
                } catch let error as DirectoryError {
                    refuse(pending.line, pending.dnText, "imported without some values: \(error.sentence)")
                }
            }
        }
    }

    /// The record without linked values whose targets are unknown, and those values.
    private func withoutUnknownTargets(_ pending: Pending) async throws -> (Pending, [EntryAttribute]) {
        var bare = pending
        bare.entry.attributes = []
        var linked: [EntryAttribute] = []
        for attribute in pending.entry.attributes {
            guard store.schema.attribute(named: attribute.name)?.isForwardLink == true else {
                bare.entry.attributes.append(attribute)
                continue
            }
            let (known, unknown) = try await divided(attribute)
            if !known.values.isEmpty { bare.entry.attributes.append(known) }
            if !unknown.values.isEmpty { linked.append(unknown) }
        }
        return (bare, linked)
    }

    private func divided(_ attribute: EntryAttribute) async throws -> (EntryAttribute, EntryAttribute) {
        let schema = store.schema
        var known: [[UInt8]] = []
        var unknown: [[UInt8]] = []
        for value in attribute.values {
            let dn = try? DistinguishedName(parsing: String(decoding: value, as: UTF8.self), naming: schema)
            let isKnown: Bool
            if let dn {
                isKnown = try await store.snapshot { try $0.resolve(dn) != nil }
            } else {
                isKnown = false
            }
            if isKnown { known.append(value) } else { unknown.append(value) }
        }
        return (
            EntryAttribute(name: attribute.name, values: known),
            EntryAttribute(name: attribute.name, values: unknown)
        )
    }

    // MARK: - Writing

    /// Writes the batch; a refused record is taken out and the rest goes on.
    private mutating func flush() async throws {
        while !batch.isEmpty {
            do {
                try await write(batch.map { .add($0.entry, objectGUID: nil) })
                progress.imported += batch.count
                batch = []
            } catch let error as DirectoryError {
                let index = min(error.operationIndex ?? 0, batch.count - 1)
                let bad = batch[index]
                let good = Array(batch[..<index])
                batch = Array(batch[(index + 1)...])
                if !good.isEmpty {
                    try await write(good.map { .add($0.entry, objectGUID: nil) })
                    progress.imported += good.count
                }
                planned.remove(bad.entry.dn)
                if error.code == .noSuchObject {
                    waiting.append(bad)
                } else {
                    refuse(bad.line, bad.dnText, error.sentence)
                }
            }
        }
    }

    private mutating func merge(_ pending: Pending, into head: HeldNamingContext) async throws {
        let current = try await store.snapshot {
            try $0.entry(.guid(head.guid))
        }
        let schema = store.schema
        let modifications = pending.entry.attributes.compactMap { attribute -> Modification? in
            guard let definition = schema.attribute(named: attribute.name) else {
                return Modification(.add, attribute.name, attribute.values)
            }
            let held = Set(
                (current?[definition.name] ?? []).map { definition.normalized($0, naming: schema) }
            )
            let new = attribute.values.filter { !held.contains(definition.normalized($0, naming: schema)) }
            return new.isEmpty ? nil : Modification(.add, attribute.name, new)
        }
        do {
            if !modifications.isEmpty { try await write([.modify(.guid(head.guid), modifications)]) }
            progress.merged += 1
        } catch let error as DirectoryError {
            refuse(pending.line, pending.dnText, error.sentence)
        }
    }

    private mutating func change(_ record: LDIFRecord, _ dn: DistinguishedName) async throws {
        do {
            try await write([try renamed(OriginatingOperation(record, dn: dn, naming: store.schema))])
            progress.imported += 1
        } catch let error as DirectoryError {
            refuse(record.line, record.dn, error.sentence)
        }
    }

    /// A change with new suffixes in its values and its new superior; its own name has it already.
    private func renamed(_ operation: OriginatingOperation) -> OriginatingOperation {
        switch operation {
        case .modify(let reference, let modifications):
            return .modify(
                reference,
                modifications.map { change in
                    let values = renamed([EntryAttribute(name: change.attribute, values: change.values)])
                    return Modification(change.operation, change.attribute, values.flatMap(\.values))
                }
            )
        case .rename(let reference, let newRDN, let deleteOldRDN, .dn(let superior)?):
            return .rename(
                reference,
                newRDN: newRDN,
                deleteOldRDN: deleteOldRDN,
                newSuperior: .dn(renamed(superior))
            )
        case .add, .rename, .delete, .undelete: return operation
        }
    }

    private mutating func write(_ operations: [OriginatingOperation]) async throws {
        let results = try await store.originate(
            operations,
            by: .administrator,
            at: now(),
            randomGUID: RandomSource.guid
        )
        for (operation, result) in zip(operations, results) where result.usn != nil {
            if let context = namingContext(of: operation) { changed.insert(context) }
        }
    }

    /// The held naming context that an operation's object belongs to: the longest match owns a name.
    private func namingContext(of operation: OriginatingOperation) -> GUID? {
        let reference: ObjectReference =
            switch operation {
            case .add(let entry, _): .dn(entry.dn)
            case .modify(let reference, _), .rename(let reference, _, _, _), .delete(let reference, _):
                reference
            case .undelete(let guid, _): .guid(guid)
            }
        let held = store.namingContexts
        switch reference {
        // Heads that were merged into; definitions that were extended.
        case .guid(let guid):
            return (held.first { $0.guid == guid } ?? held.first { $0.role == .schema })?.guid
        case .dn(let dn):
            return held.filter { dn.isSameOrDescendant(of: $0.dn) }
                .max { $0.dn.rdns.count < $1.dn.rdns.count }?.guid
        }
    }

    private mutating func refuse(_ line: Int, _ dn: String, _ reason: String) {
        progress.refused += 1
        guard refusals.count < Self.refusalsReportedMax else { return }
        refusals.append(ImportRefusal(line: line, dn: dn, reason: reason))
    }
}

extension OriginatingOperation {
    /// A change record as a write; content records become adds.
    ///
    /// - Throws: `DirectoryError` for a name that cannot be read.
    package init(_ record: LDIFRecord, dn: DistinguishedName, naming: Schema) throws {
        switch record.kind {
        case .content(let attributes), .add(let attributes):
            self = .add(Entry(dn: dn, attributes: attributes), objectGUID: nil)
        case .delete: self = .delete(.dn(dn), tree: false)
        case .modify(let modifications):
            self = .modify(.dn(dn), modifications.map { Modification($0.operation, $0.attribute, $0.values) })
        case .rename(let newRDN, let deleteOldRDN, let newSuperior):
            do {
                let rdn = try DistinguishedName(parsing: newRDN, naming: naming)
                guard let leaf = rdn.leaf, rdn.rdns.count == 1 else {
                    throw DirectoryError(.invalidDNSyntax, "newrdn must be one relative name")
                }
                let superior = try newSuperior.map { try DistinguishedName(parsing: $0, naming: naming) }
                self = .rename(
                    .dn(dn),
                    newRDN: leaf,
                    deleteOldRDN: deleteOldRDN,
                    newSuperior: superior.map { ObjectReference.dn($0) }
                )
            } catch let error as DNError {
                throw DirectoryError(.invalidDNSyntax, "\(error)")
            }
        }
    }
}
