package import AdminAPI
import DirectoryModel
import Identifiers
import Replication
import Store

extension DomainControllerService {
    package func object(_ query: ObjectQuery) async throws -> ObjectReply {
        let reference = try reference(query.target)
        let schema = store.schema
        let found = try await store.snapshot { snapshot in
            try snapshot.entry(reference, includeDeleted: query.deleted, operational: query.operational)
        }
        guard let found else { throw noSuchObject(query.target) }
        return ObjectReply(found, naming: schema, wanted: query.attributes)
    }

    package func objects(_ query: SearchQuery) async throws -> SearchReply {
        let reference = try reference(query.base)
        let schema = store.schema
        let limit = min(max(query.limit, 1), AdminLimits.searchObjectsMax)
        let wantedClass = try query.objectClass.map { name in
            guard let known = schema.objectClass(named: name) else {
                throw AdminError(
                    code: "invalidQuery",
                    message: "the schema has no class \"\(name)\"",
                    hint: "see the schema naming context for its classes"
                )
            }
            return known.name.lowercased()
        }
        let found = try await store.snapshot { snapshot -> [DirectoryEntry]? in
            guard let base = try snapshot.objectGUID(of: reference) else { return nil }
            var entries: [DirectoryEntry] = []
            let take = { (entry: DirectoryEntry) in
                let classes = entry.strings("objectClass").map { $0.lowercased() }
                if wantedClass.map(classes.contains) ?? true { entries.append(entry) }
                return entries.count <= limit
            }
            switch query.scope {
            case .base:
                if let entry = try snapshot.entry(.guid(base), includeDeleted: query.deleted) {
                    _ = take(entry)
                }
            case .one:
                for child in try snapshot.children(of: base) {
                    guard let entry = try snapshot.entry(.guid(child)) else { continue }
                    if !take(entry) { break }
                }
            case .sub:
                try snapshot.subtree(of: base, includeDeleted: query.deleted) { take($0) }
            }
            return entries
        }
        guard let found else { throw noSuchObject(query.base) }
        return SearchReply(
            objects: found.prefix(limit).map { ObjectReply($0, naming: schema, wanted: query.attributes) },
            isComplete: found.count <= limit
        )
    }

    package func originate(_ request: WriteRequest) async throws -> WriteReply {
        let schema = store.schema
        var operations: [OriginatingOperation] = []
        for operation in request.operations { operations.append(try await originating(operation)) }
        let results = try await store.originate(
            operations,
            by: .administrator,
            at: now(),
            randomGUID: RandomSource.guid
        )
        let written = try await store.snapshot { snapshot in
            try results.map { result in
                (result, try snapshot.entry(.guid(result.objectGUID), includeDeleted: true))
            }
        }
        try await announce(written.compactMap { $0.0.usn == nil ? nil : $0.1?.namingContext })
        return WriteReply(
            results: written.map { result, entry in
                WriteResultReply(
                    dn: entry?.dn.description(naming: schema) ?? "",
                    objectGUID: result.objectGUID,
                    usn: result.usn
                )
            }
        )
    }

    /// Tells partners, and reads the configuration again when that is what changed.
    func announce(_ contexts: [GUID]) async throws {
        try await dsa.announce(contexts)
    }

    package func metadata(_ query: ObjectQuery) async throws -> MetadataReply {
        let reference = try reference(query.target)
        let schema = store.schema
        let found = try await store.snapshot { snapshot -> (DirectoryEntry, ObjectMetadata)? in
            guard let entry = try snapshot.entry(reference, includeDeleted: true),
                let metadata = try snapshot.metadata(of: entry.objectGUID)
            else { return nil }
            return (entry, metadata)
        }
        guard let (entry, metadata) = found else { throw noSuchObject(query.target) }
        let servers = try await invocations()
        return MetadataReply(
            dn: entry.dn.description(naming: schema),
            objectGUID: entry.objectGUID,
            attributes: metadata.attributes.map { row in
                AttributeMetadataReply(
                    name: row.attribute,
                    version: row.stamp.version,
                    time: row.stamp.time,
                    invocationID: row.stamp.invocationID,
                    server: servers[row.stamp.invocationID],
                    originatingUSN: row.stamp.originatingUSN,
                    localUSN: row.localUSN
                )
            },
            links: metadata.links.map { row in
                let stamp = row.stamp.stamp
                return LinkMetadataReply(
                    name: row.attribute,
                    target: row.targetDN?.description(naming: schema) ?? row.target.description,
                    targetGUID: row.target,
                    isPresent: row.isPresent,
                    version: stamp.version,
                    time: stamp.time,
                    invocationID: stamp.invocationID,
                    server: servers[stamp.invocationID],
                    originatingUSN: stamp.originatingUSN,
                    localUSN: row.localUSN
                )
            }
        )
    }

    package func importLDIF(
        _ chunks: AsyncThrowingStream<[UInt8], any Error>,
        options: ImportOptions = ImportOptions(),
        progress: @escaping @Sendable (ImportProgress) -> Void
    ) async throws -> ImportReply {
        var importer = try LDIFImport(store: store, options: options, now: now, report: progress)
        do {
            for try await chunk in chunks {
                try await importer.feed(chunk)
                progress(importer.progress)
            }
            try await importer.finish()
        } catch {
            // What came in before the file broke off stays, and is news like any other.
            try await announce(Array(importer.changed))
            throw error
        }
        progress(importer.progress)
        try await announce(Array(importer.changed))
        return ImportReply(importer.progress, refusals: importer.refusals)
    }

    // MARK: - Requests to the store's terms

    func reference(_ target: ObjectTarget) throws -> ObjectReference {
        if let guid = target.objectGUID { return .guid(guid) }
        guard let text = target.dn else {
            throw AdminError(code: "badRequest", message: "an object is named by dn or objectGUID")
        }
        return .dn(try DistinguishedName(parsing: text, naming: store.schema))
    }

    private func originating(_ operation: WriteOperation) async throws -> OriginatingOperation {
        let schema = store.schema
        switch operation {
        case .add(let dn, let attributes):
            let name = try DistinguishedName(parsing: dn, naming: schema)
            return .add(Entry(dn: name, attributes: attributes.map(\.entryAttribute)), objectGUID: nil)
        case .modify(let target, let modifications):
            return .modify(try reference(target), modifications.map { Modification($0) })
        case .delete(let target, let tree): return .delete(try reference(target), tree: tree)
        case .rename(let target, let newRDN, let deleteOldRDN, let newSuperior):
            let rdn: RDN
            if let newRDN {
                rdn = try relativeName(newRDN)
            } else {
                rdn = try await currentRDN(try reference(target), target)
            }
            return .rename(
                try reference(target),
                newRDN: rdn,
                deleteOldRDN: newRDN != nil && deleteOldRDN,
                newSuperior: try newSuperior.map(reference)
            )
        case .undelete(let target, let newRDN, let newSuperior):
            guard newRDN == nil else {
                throw AdminError(
                    code: "unwillingToPerform",
                    ldapCode: 53,
                    message: "an object comes back under its old name",
                    hint: "undelete it, then rename it with `bridgehead object move`"
                )
            }
            guard let guid = try await guid(of: try reference(target)) else { throw noSuchObject(target) }
            return .undelete(guid, newParent: try newSuperior.map(reference))
        }
    }

    private func guid(of reference: ObjectReference) async throws -> GUID? {
        try await store.snapshot { try $0.objectGUID(of: reference) }
    }

    private func currentRDN(_ reference: ObjectReference, _ target: ObjectTarget) async throws -> RDN {
        let entry = try await store.snapshot { try $0.entry(reference) }
        guard let leaf = entry?.dn.leaf else { throw noSuchObject(target) }
        guard let mangled = MangledName.parse(leaf.value) else { return leaf }
        return RDN(type: leaf.type, value: mangled.base)
    }

    private func relativeName(_ text: String) throws -> RDN {
        let name = try DistinguishedName(parsing: text, naming: store.schema)
        guard let leaf = name.leaf, name.rdns.count == 1 else {
            throw AdminError(
                code: "invalidDNSyntax",
                ldapCode: 34,
                message: "\"\(text)\" is not one relative name",
                hint: "for example CN=New Name"
            )
        }
        return leaf
    }

    func noSuchObject(_ target: ObjectTarget) -> AdminError {
        AdminError(
            code: "noSuchObject",
            ldapCode: 32,
            message: "no such object: \(target.dn ?? target.objectGUID?.description ?? "")",
            hint: "tombstones show with --deleted"
        )
    }
}

extension Modification {
    init(_ modification: AttributeModification) {
        let operation: ModifyOperation =
            switch modification.operation {
            case .add: .add
            case .delete: .delete
            case .replace: .replace
            case .increment: .increment
            }
        self.init(operation, modification.name, modification.values.map(\.octets))
    }
}

extension ObjectReply {
    init(_ entry: DirectoryEntry, naming: Schema, wanted: [String] = []) {
        let names = Set(wanted.map { $0.lowercased() })
        let shown = entry.attributes.filter { names.isEmpty || names.contains($0.name.lowercased()) }
        self.init(
            dn: entry.dn.description(naming: naming),
            objectGUID: entry.objectGUID,
            standing: "\(entry.standing)",
            attributes: shown.map { AttributeReply($0) }
        )
    }
}
