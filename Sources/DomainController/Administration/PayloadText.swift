import DirectoryModel
import Identifiers
import Replication

/// A replication message as LDIF-like text for people.
struct PayloadText {
    /// Characters of one value that are shown.
    static let valueCharactersMax = 120

    let names: ConfigurationView?

    func text(_ message: ReplicationMessage) -> String {
        let header = message.header
        var lines = [
            "# from DSA \(header.dsaGUID) invocation \(header.invocationID)",
            "# naming context \(names?.contextName(header.namingContext) ?? header.namingContext.description)",
        ]
        switch message {
        case .request(let request): lines += self.lines(request)
        case .reply(let part): lines += self.lines(part)
        case .poke(let poke): lines.append("poke: news up to USN \(poke.usn)")
        case .error(let error): lines.append("error \(error.code): \(error.text)")
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private func lines(_ request: ChangesRequest) -> [String] {
        var lines = [
            "request: \(request.requestID) sequence \(request.sequence)\(request.isJoining ? " joining" : "")",
            "replica: \(kind(request.replica))",
            "limits: \(request.partBytesMax) octets, \(request.partObjectsMax) objects, credit \(request.credit)",
        ]
        for piece in request.received.tagged {
            lines.append("received: (\(piece.interval.from),\(piece.interval.to)] asof \(piece.asOf)")
        }
        return lines + vector(request.vector)
    }

    private func lines(_ part: ChangesReply) -> [String] {
        var lines = [
            "part: \(part.partNumber)\(part.isLast ? " (last)" : "") of request \(part.requestID)",
            "interval: (\(part.interval.from),\(part.interval.to)] asof \(part.asOf)",
            "cut for: \(kind(part.cutFor))",
        ]
        lines += vector(part.vector)
        for object in part.objects {
            lines += ["", "objectGUID: \(object.objectGUID)"]
            for attribute in object.attributes {
                let oid = part.attributes[attribute.attribute]
                let name = names?.schema.name(of: oid) ?? oid.description
                lines.append("# \(name) \(text(attribute.stamp))")
                if attribute.values.isEmpty { lines.append("\(name): # removed") }
                lines += attribute.values.map { "\(name)\(value($0, of: oid))" }
            }
        }
        for link in part.links {
            let oid = part.attributes[link.attribute]
            let name = names?.schema.name(of: oid) ?? oid.description
            let mark = link.isPresent ? "" : " # removed"
            lines += [
                "", "# \(name) \(text(link.stamp.stamp)) created \(link.stamp.created)",
                "link: \(link.source) \(name) \(link.target)\(mark)",
            ]
        }
        return lines
    }

    private func kind(_ replica: ReplicaKind) -> String {
        switch replica {
        case .full: "full"
        case .partial: "partial"
        }
    }

    private func vector(_ vector: UpToDatenessVector) -> [String] {
        vector.sorted.map { "vector: \($0.0) \($0.1.usn) at \($0.1.time)" }
    }

    private func text(_ stamp: Stamp) -> String {
        "version \(stamp.version) at \(stamp.time) by \(stamp.invocationID) usn \(stamp.originatingUSN)"
    }

    private func value(_ octets: [UInt8], of oid: OID) -> String {
        if oid == .name, let name = NameValue(octets: octets) {
            return ": \(name.rdn.description(naming: WellKnownNames())) under \(name.parent)"
        }
        if names?.schema.attribute(oid: oid)?.syntax == .distinguishedName,
            let reference = ReferenceValue(octets: octets)
        {
            return ": \(reference.text)"
        }
        guard octets.allSatisfy({ $0 >= 0x20 && $0 != 0x7f }),
            let text = String(validating: octets, as: UTF8.self)
        else { return ":: \(octets.count) octets" }
        return
            ": \(text.prefix(Self.valueCharactersMax))\(text.count > Self.valueCharactersMax ? " ..." : "")"
    }
}
