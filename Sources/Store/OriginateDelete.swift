import DirectoryModel
import Identifiers
import Replication

extension WriteTransaction {
    /// Makes tombstones: writes `isDeleted` and nothing else, children before their parents.
    func delete(_ reference: ObjectReference, tree: Bool) throws -> WriteResult {
        let held = try writableObject(reference)
        try guardNotSchema(held.context, "deleted")
        try guardNotFixed(held, "deleted")
        try guardHoldsNoHead(held)
        let children = try objects.hasPlacedChildren(held.row.guid)
        guard tree || !children else {
            throw DirectoryError(
                .notAllowedOnNonLeaf,
                "\(try describe(held.row.guid)) has objects below it",
                hint: "delete them first, or ask for the whole tree"
            )
        }
        var order = [held.row.guid]
        var next = 0
        while next < order.count {
            order += try objects.placedChildren(of: order[next]).filter(\.node.isVisible).map(\.guid)
            next += 1
        }
        for guid in order.reversed() {
            let member = try writableObject(.guid(guid))
            try guardNotFixed(member, "deleted")
            try rewrite(member, [AttributeIDs.isDeleted: [ObjectBody.deletedMark]])
        }
        return WriteResult(objectGUID: held.row.guid, usn: highestUSN)
    }

    /// Brings a tombstone back with everything it kept, stamped anew, so that it can be made again where it was
    /// already collected.
    func undelete(_ guid: GUID, newParent: ObjectReference?) throws -> WriteResult {
        try refreshSchema()
        guard let (row, body) = try objects.rowAndBody(guid), row.node.standing == .tombstone else {
            throw DirectoryError(.noSuchObject, "there is no deleted object \(guid)")
        }
        let context = try view.context(id: row.context)
        try guardWritable(context)
        try guardNotSchema(context, "undeleted")
        try guardYoung(row)
        let parent = try superior(newParent ?? .guid(row.node.parent), in: context)
        let stampedRDN = try row.stampedRDN()
        let rdn = RDN(
            type: stampedRDN.type,
            value: MangledName.parse(stampedRDN.value)?.base ?? stampedRDN.value
        )
        try guardFree(rdn, under: parent.guid, except: guid)
        var values: [Int32: [[UInt8]]] = [:]
        for attribute in body.attributes where !planted(.undeleteKeepsStamps) {
            values[attribute.id] = attribute.values
        }
        values[AttributeIDs.isDeleted] = []
        values[AttributeIDs.name] = [NameValue(parent: parent.guid, rdn: rdn).octets]
        try rewrite((row, body, context), values)
        for link in try links.rows(of: guid) {
            let usn = try takeUSN()
            var link = link
            link.usn = usn
            if !link.isPresent { link.ageMark = try age() }
            link.stamp = LinkStamp(
                created: link.stamp.created,
                stamp: stamp(over: link.stamp.stamp, usn: usn)
            )
            try links.save(link)
        }
        return WriteResult(objectGUID: guid, usn: highestUSN)
    }

    /// The default of `tombstoneLifetime` on CN=Directory Service.
    static let tombstoneLifetimeDaysDefault: Int64 = 180

    /// Late in its life a tombstone may already be collected somewhere, and be lost there for good.
    private func guardYoung(_ row: ObjectRow) throws {
        let days = try tombstoneLifetimeDays()
        let seconds = days * 86_400 / 10 * 9
        guard let arrived = row.arrived, now < arrived.adding(seconds: seconds),
            try row.ageMark.map({ try age() - $0 < seconds }) ?? true
        else {
            throw DirectoryError(
                .unwillingToPerform,
                "object \(row.guid) was deleted too long ago: it is in the last tenth of its \(days) days",
                hint: "make it anew"
            )
        }
    }

    private func tombstoneLifetimeDays() throws -> Int64 {
        guard let configuration = view.namingContexts.first(where: { $0.role == .configuration }) else {
            return Self.tombstoneLifetimeDaysDefault
        }
        let names = ["Directory Service", "Windows NT", "Services"].map { RDN(type: .cn, value: $0) }
        let dn = DistinguishedName(rdns: names + configuration.dn.rdns)
        let text = try view.entry(.dn(dn))?.string("tombstoneLifetime") ?? ""
        guard let days = Int64(text), (1...36_500).contains(days) else {
            return Self.tombstoneLifetimeDaysDefault
        }
        return days
    }

    /// Another naming context may hang below an object by name alone.
    private func guardHoldsNoHead(_ held: HeldObject) throws {
        guard let dn = try view.dn(of: held.row.guid),
            let head = view.namingContexts.first(where: { $0.dn.isDescendant(of: dn) })
        else { return }
        throw DirectoryError(
            .notAllowedOnNonLeaf,
            "naming context \(head.dn.description(naming: view.schema)) lies below the object"
        )
    }
}
