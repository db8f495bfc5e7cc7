package import AdminAPI
import DirectoryModel
import Identifiers
import Store

extension DomainControllerService {
    /// Octets of one piece of an export, about.
    private static let pieceOctets = 64 << 10
    /// Pieces that may wait for a slow client.
    private static let piecesAheadMax = 16

    package func export(_ query: ExportQuery) async throws -> AsyncThrowingStream<[UInt8], any Error> {
        let view = partners.current
        let contexts =
            try query.namingContexts.isEmpty
            ? view.held.sorted { ($0.role.rawValue, $0.guid) < ($1.role.rawValue, $1.guid) }.map(\.guid)
            : query.namingContexts.map { try contextGUID($0, view) }
        let partial = Set(view.partialAttributes.sorted)
        let (store, schema) = (store, store.schema)
        let pipe = BoundedPipe<[UInt8]>(elementsAheadMax: Self.piecesAheadMax)
        Task {
            do {
                try await store.snapshot { snapshot in
                    var piece: [UInt8] = []
                    let append = { (text: String) in
                        piece += text.utf8
                        guard piece.count >= Self.pieceOctets else { return }
                        try pipe.put(piece)
                        piece = []
                    }
                    for context in contexts {
                        if query.canonical {
                            let isCut = query.partialAttributesOnly && view.role(of: context) == .domain
                            try snapshot.canonicalDump(of: context, restrictedTo: isCut ? partial : nil) {
                                line in
                                try append(line + "\n")
                            }
                        } else {
                            try snapshot.subtree(of: context, operational: query.operational) { entry in
                                let attributes = entry.attributes.filter {
                                    query.operational
                                        || schema.attribute(named: $0.name)?.isKeptByDirectory != true
                                }
                                let plain = Entry(dn: entry.dn, attributes: attributes)
                                try append(LDIFWriter.lines(for: plain, naming: schema) + "\n")
                                return true
                            }
                        }
                    }
                    if !piece.isEmpty { try pipe.put(piece) }
                }
                pipe.finish()
            } catch {
                pipe.finish(throwing: error)
            }
        }
        let reader = PipeReader(pipe)
        return AsyncThrowingStream { try await reader.pipe.next() }
    }
}

/// The reading end: when the client goes away, the snapshot must not stay open for its sake.
final class PipeReader<Element: Sendable>: Sendable {
    let pipe: BoundedPipe<Element>

    init(_ pipe: BoundedPipe<Element>) { self.pipe = pipe }

    deinit { pipe.abandon() }
}
