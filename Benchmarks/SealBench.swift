import DirectoryModel
import Identifiers
import PKI
import Replication
import SecureMail
import Store

/// One part of N objects to a mail and back: deflate, sign, encrypt, base64.
enum SealBench {
    private static let mailsPerRun = 10

    static func run(_ options: Options, _ report: inout Report) throws {
        let forest = try BenchForest()
        let payload = ReplicationCodec.encode(.reply(part(forest, people: options.count)))
        let (sealing, opening) = (try forest.hq.protection, try forest.vancouver.protection)
        let count = options.count * mailsPerRun
        for _ in 0..<options.runs {
            var sealed = Sample()
            let mails = try sealed.add {
                try (0..<mailsPerRun).map { _ in try forest.seal(payload, sealing) }
            }
            sealed.octets = mails.reduce(0) { $0 + $1.count }
            report.add("gzip, sign, encrypt", count, sealed)
            var opened = Sample()
            opened.octets = try opened.add {
                try mails.reduce(0) { try $0 + forest.open($1, opening).count }
            }
            report.add("decrypt, verify, inflate", count, opened)
        }
    }

    /// As the store would cut it, without a store.
    private static func part(_ forest: BenchForest, people count: Int) -> ChangesReply {
        var people = People(below: BenchForest.domain.dn)
        var table: [String] = []
        let objects = (0..<count).map { number in
            let usn = USN(Int64(number) + 5)
            let stamp = Stamp(
                version: 1,
                time: BenchForest.now,
                invocationID: forest.hq.invocation,
                originatingUSN: usn
            )
            let attributes = people.entry(number).attributes.map { attribute in
                let index = table.firstIndex(of: attribute.name) ?? table.count
                if index == table.count { table.append(attribute.name) }
                let values = attribute.values.sorted { $0.lexicographicallyPrecedes($1) }
                return ReplicatedAttribute(attribute: index, stamp: stamp, values: values)
            }
            return ReplicatedObject(objectGUID: BenchRandom.guid(), attributes: attributes)
        }
        return ChangesReply(
            header: forest.hq.header,
            requestID: BenchRandom.guid(),
            interval: USNInterval(from: .zero, to: USN(Int64(count) + 5)),
            asOf: USN(Int64(count) + 5),
            vector: .init(),
            cutFor: .full,
            attributes: table.indices.compactMap { OID("2.5.4.\($0 + 1)") },
            objects: objects,
            partNumber: 1,
            isLast: true
        )
    }
}
