package import AdminAPI
import DirectoryModel
import Identifiers
import Replication
import Store

extension DomainControllerService {
    package func why(_ query: WhyQuery) async throws -> WhyReply {
        let reference = try reference(query.target)
        let wanted = query.attribute
        let found = try await store.snapshot { snapshot -> Found? in
            guard let entry = try snapshot.entry(reference, includeDeleted: true),
                var metadata = try snapshot.metadata(of: entry.objectGUID)
            else { return nil }
            if let wanted { metadata = metadata.of(wanted) }
            var origins: [USN: PartOrigin] = [:]
            for usn in metadata.attributes.map(\.localUSN) + metadata.links.map(\.localUSN)
            where origins[usn] == nil {
                origins[usn] = try snapshot.partOrigin(of: usn)
            }
            return Found(
                entry: entry,
                metadata: metadata,
                origins: origins,
                begin: try snapshot.originsBegin()
            )
        }
        guard let found else { throw noSuchObject(query.target) }
        if let attribute = query.attribute, found.metadata.attributes.isEmpty, found.metadata.links.isEmpty {
            throw AdminError(
                code: "noSuchAttribute",
                ldapCode: 16,
                message: "the object has never had an attribute \(attribute)",
                hint: "bridgehead object metadata lists those it has"
            )
        }
        return WhyAnswer(
            found: found,
            showsValues: query.values,
            servers: try await invocations(),
            own: store.identity.invocationID,
            ownRetired: Set(partners.current.own.retired.map(\.invocationID)),
            view: partners.current
        ).reply()
    }
}

private struct Found: Sendable {
    let entry: DirectoryEntry
    let metadata: ObjectMetadata
    /// By local USN; of writes that came by replication.
    let origins: [USN: PartOrigin]
    let begin: USN?
}

/// Turns stamps and origins into an answer: each part once, values refer to it.
private struct WhyAnswer {
    let found: Found
    let showsValues: Bool
    let servers: [GUID: String]
    let own: GUID
    let ownRetired: Set<GUID>
    let view: ConfigurationView
    private var parts: [PartOrigin] = []

    init(
        found: Found,
        showsValues: Bool,
        servers: [GUID: String],
        own: GUID,
        ownRetired: Set<GUID>,
        view: ConfigurationView
    ) {
        self.found = found
        self.showsValues = showsValues
        self.servers = servers
        self.own = own
        self.ownRetired = ownRetired
        self.view = view
        // In the order of their coming.
        parts = Array(Dictionary(found.origins.values.map { ($0.first, $0) }) { first, _ in first }.values)
            .sorted { $0.first < $1.first }
    }

    func reply() -> WhyReply {
        var values: [ValueOrigin] = []
        for row in found.metadata.attributes {
            var value = value(row.attribute, row.stamp, localUSN: row.localUSN)
            if showsValues { value.values = found.entry[row.attribute].map { AttributeValue($0) } }
            values.append(value)
        }
        for row in found.metadata.links {
            var value = value(row.attribute, row.stamp.stamp, localUSN: row.localUSN)
            value.target = row.targetDN?.description(naming: view.schema) ?? row.target.description
            value.isPresent = row.isPresent
            values.append(value)
        }
        return WhyReply(
            dn: found.entry.dn.description(naming: view.schema),
            objectGUID: found.entry.objectGUID,
            recordBegins: found.begin,
            values: values,
            parts: parts.map { reply($0) }
        )
    }

    private func value(_ name: String, _ stamp: Stamp, localUSN: USN) -> ValueOrigin {
        let isOwn = stamp.invocationID == own || ownRetired.contains(stamp.invocationID)
        // A write that applying made in the same transaction is our own all the same.
        let origin = isOwn && stamp.originatingUSN == localUSN ? nil : found.origins[localUSN]
        return ValueOrigin(
            name: name,
            version: stamp.version,
            time: stamp.time,
            invocationID: stamp.invocationID,
            server: servers[stamp.invocationID],
            originatingUSN: stamp.originatingUSN,
            localUSN: localUSN,
            way: origin != nil ? .part : isOwn ? .here : .unrecorded,
            part: origin.flatMap { origin in parts.firstIndex { $0.first == origin.first } },
            delaySeconds: origin.map { stamp.time.seconds(until: $0.applied) }
        )
    }

    private func reply(_ origin: PartOrigin) -> PartOriginReply {
        PartOriginReply(
            source: view.name(of: origin.source),
            sourceGUID: origin.source,
            namingContext: view.contextName(origin.namingContext),
            interval: IntervalReply(from: origin.interval.from, to: origin.interval.to, asOf: origin.asOf),
            requestID: origin.requestID,
            firstLocalUSN: origin.first,
            lastLocalUSN: origin.last,
            applied: origin.applied,
            isMedia: origin.isMedia,
            mail: origin.carrier.map { CarrierReply($0) }
        )
    }
}

extension CarrierReply {
    init(_ carrier: PartCarrier) {
        var previous = carrier.sent
        self.init(
            id: carrier.fileID,
            transport: carrier.transport,
            messageID: carrier.messageID,
            messageIDField: carrier.messageIDField,
            sent: carrier.sent,
            received: carrier.received,
            hops: carrier.hops.map { hop in
                defer { previous = hop.time ?? previous }
                return MailHopReply(
                    from: hop.from,
                    by: hop.by,
                    time: hop.time,
                    delaySeconds: hop.time.map { previous.seconds(until: $0) }
                )
            },
            omittedHops: carrier.omittedHops
        )
    }
}
