import AdminAPI
import Foundation
import Identifiers
import PKI
import Replication
import SecureMail
import Store

/// What a new DSA begins with: media inside the join file, a media file, both, or a seed for the first mails.
///
/// Everything is checked before anything is written; a media file is read again while it is loaded.
struct JoinLoading {
    private let file: JoinFile
    private let embedded: [ChangesReply]
    private let seed: [ChangesReply]
    private let media: MediaFile?
    /// What the media file brings: where the join file has a newer snapshot, that is loaded.
    private let mediaContexts: Set<GUID>
    private let now: Timestamp

    init(file: JoinFile, mediaPath: String?, anchors: TrustAnchors, at now: Timestamp) throws {
        self.file = file
        self.now = now
        let packed = try Self.parts(file.media, "media")
        let seeds = try Self.parts(file.seed ?? [], "seed")
        guard !packed.isEmpty || !seeds.isEmpty else { throw JoinFile.damaged("it has no media") }
        media = try mediaPath.map {
            try MediaFile(path: $0, forest: file.forest, anchors: anchors, at: now)
        }
        var fromMedia = Set(media?.header.namingContexts.map(\.guid) ?? [])
        if let media, media.header.created < file.created {
            fromMedia.subtract(packed.map(\.header.namingContext))
        }
        embedded = packed.filter { !fromMedia.contains($0.header.namingContext) }
        seed = seeds
        mediaContexts = fromMedia
        if !embedded.isEmpty || !seeds.isEmpty {
            try MediaFile.checkAge(
                of: "the join file",
                created: file.created,
                days: ConfigurationReader.days(file.tombstoneLifetimeDays),
                at: now
            )
        }
    }

    /// - Returns: how many objects came.
    func load(into store: DirectoryStore) async throws -> Int {
        var context = ApplyContext(ownDSA: file.dsa.dsaGUID, now: now, isMedia: true)
        var objects = 0
        for part in embedded { objects += try await apply(part, context, to: store) }
        if let media {
            // Not another domain's, of which this DSA holds no replica.
            let wanted = mediaContexts.intersection(store.namingContexts.map(\.guid))
            let reader = try MediaReader(path: media.path)
            while let part = try reader.next() {
                guard wanted.contains(part.header.namingContext) else { continue }
                guard part.header.dsaGUID == media.header.creatorGUID else {
                    throw MediaFile.damaged(media.path, "a part is of another DSA than its creator")
                }
                objects += try await apply(part, context, to: store)
            }
            guard try reader.finish().signed == media.signed else {
                throw MediaFile.damaged(media.path, "it changed while it was read")
            }
        }
        (context.isMedia, context.isSeed) = (false, true)
        for part in seed { objects += try await apply(part, context, to: store) }
        return objects
    }

    private func apply(
        _ part: ChangesReply,
        _ context: ApplyContext,
        to store: DirectoryStore
    ) async throws -> Int {
        var objects = 0
        for outcome in try await store.apply([part], context: context) {
            guard case .apply = outcome.verdict else {
                throw JoinFile.damaged("a part of its media was refused (\(outcome.verdict))")
            }
            objects += outcome.objectsApplied
        }
        return objects
    }

    private static func parts(_ texts: [String], _ what: String) throws -> [ChangesReply] {
        try texts.enumerated().map { index, text in
            guard let packed = Data(base64Encoded: text) else {
                throw JoinFile.damaged("\(what) part \(index + 1) is not base64")
            }
            do {
                return try MediaFile.part(Array(packed), "part \(index + 1)")
            } catch let error as AdminError {
                throw JoinFile.damaged("\(what) part \(index + 1): \(error.message)")
            }
        }
    }
}
