import DirectoryModel
import Identifiers
import PKI
import Replication
import Store

/// The few objects that two DSAs need to exchange mail, for a join file without media.
///
/// They travel as data of no request: nothing is claimed about what else exists, and the new DSA then joins schema,
/// configuration and domain by mail alone.
struct JoinSeed: Sendable {
    let view: ConfigurationView
    let store: DirectoryStore

    /// One part of the configuration: both DSAs with their servers, sites and connections, the domains, the CAs, and
    /// everything above these.
    func part(for dsaGUID: GUID, at now: Timestamp) async throws -> ChangesReply {
        let identity = store.identity
        let boots = store.bootRecords
        let configuration = view.configurationContext
        let dsas: Set<GUID> = [view.own.dsaGUID, dsaGUID]
        return try await store.snapshot { snapshot in
            let header = MessageHeader(
                dsaGUID: identity.dsaGUID,
                invocationID: identity.invocationID,
                bootRecords: boots,
                namingContext: configuration.guid
            )
            var part = ChangesReply(
                header: header,
                // Drawn for nobody: it stands in no request table.
                requestID: RandomSource.guid(),
                interval: USNInterval(from: .zero, to: .zero),
                asOf: .zero,
                vector: UpToDatenessVector(),
                cutFor: .full,
                partNumber: 1,
                isLast: true
            )
            var seen: Set<GUID> = []
            var table: [OID: Int] = [:]
            let add = { (object: SnapshotObject) in
                guard seen.insert(object.objectGUID).inserted else { return }
                let attributes = object.attributes.map { attribute in
                    let index = table[attribute.attribute] ?? part.attributes.count
                    if index == part.attributes.count {
                        part.attributes.append(attribute.attribute)
                        table[attribute.attribute] = index
                    }
                    return ReplicatedAttribute(
                        attribute: index,
                        stamp: attribute.stamp,
                        valueSet: attribute.valueSet
                    )
                }
                part.objects.append(
                    ReplicatedObject(objectGUID: object.objectGUID, attributes: attributes)
                )
            }
            for guid in try needed(dsas, in: snapshot, configuration.guid) {
                for ancestor in try snapshot.ancestors(of: guid, newerThan: .zero) { add(ancestor) }
                if let object = try snapshot.snapshotObject(guid) { add(object) }
            }
            return part
        }
    }

    private func needed(
        _ dsas: Set<GUID>,
        in snapshot: StoreSnapshot,
        _ configuration: GUID
    ) throws -> [GUID] {
        let entries = { (name: String) in try snapshot.entries(ofClass: name, in: configuration) }
        let settings = try entries("nTDSDSA").filter { dsas.contains($0.objectGUID) }
        let own = Set(settings.map(\.dn))
        let connections = try entries("nTDSConnection").filter { $0.dn.parent.map(own.contains) ?? false }
        let everywhere = try ["nTDSService", "certificationAuthority", "crossRef", "interSiteTransport"]
            .flatMap(entries)
        return (settings + connections + everywhere).map(\.objectGUID)
    }
}
