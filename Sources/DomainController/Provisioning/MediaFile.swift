import AdminAPI
import Foundation
import Identifiers
import PKI
import Replication
import SecureMail

/// Reads a media file from its beginning, one frame in memory at a time.
final class MediaReader {
    let header: MediaHeader
    private let handle: FileHandle
    private let path: String
    private var digest: SHA256? = SHA256()

    /// - Throws: `AdminError` `mediaUnreadable`, `mediaDamaged`, `mediaVersion`.
    init(path: String) throws {
        guard let handle = FileHandle(forReadingAtPath: path) else {
            throw AdminError(
                code: "mediaUnreadable",
                message: "cannot read media \(path)",
                hint: "check the path and its mode"
            )
        }
        self.handle = handle
        self.path = path
        digest = SHA256()
        let magic = try Self.read(handle, MediaFormat.magic.count, path)
        guard magic == MediaFormat.magic else {
            throw magic.starts(with: "bridgehead media ".utf8)
                ? AdminError(
                    code: "mediaVersion",
                    message: "media \(path) is of another version than this program reads",
                    hint: "use the same version of bridgehead at both DSAs"
                ) : MediaFile.damaged(path, "it does not begin as media does")
        }
        let length = try Self.read(handle, 4, path)
        let octets = try Self.read(
            handle,
            try Self.length(length, max: MediaFormat.headerOctetsMax, path),
            path
        )
        do {
            header = try JSONDecoder().decode(MediaHeader.self, from: Data(octets))
        } catch { throw MediaFile.damaged(path, "its header cannot be read") }
        for piece in [magic, length, octets] { digest?.update(piece) }
    }

    deinit { try? handle.close() }

    /// The next part as it would come by mail; nil behind the last.
    func next() throws -> ChangesReply? {
        let length = try Self.read(handle, 4, path)
        let octets = try Self.read(
            handle,
            try Self.length(length, max: MediaFormat.frameOctetsMax, path),
            path
        )
        digest?.update(length)
        digest?.update(octets)
        return octets.isEmpty ? nil : try MediaFile.part(octets, path)
    }

    /// Reads over a part without taking it apart; false behind the last.
    func skip() throws -> Bool {
        let length = try Self.read(handle, 4, path)
        let octets = try Self.read(
            handle,
            try Self.length(length, max: MediaFormat.frameOctetsMax, path),
            path
        )
        digest?.update(length)
        digest?.update(octets)
        return !octets.isEmpty
    }

    /// What was read, and who signed it; nothing may stand behind.
    func finish() throws -> (signed: [UInt8], signature: [UInt8]) {
        guard let digest = digest.take() else { throw MediaFile.damaged(path, "it was read twice") }
        let signed = MediaFormat.signed(digest.finish())
        let length = try Self.read(handle, 4, path)
        let signature = try Self.read(
            handle,
            try Self.length(length, max: MediaFormat.signatureOctetsMax, path),
            path
        )
        guard try handle.read(upToCount: 1)?.isEmpty ?? true else {
            throw MediaFile.damaged(path, "something stands behind its end")
        }
        return (signed, signature)
    }

    private static func length(_ octets: [UInt8], max: Int, _ path: String) throws -> Int {
        let length = octets.reduce(0) { $0 << 8 | Int($1) }
        guard length <= max else {
            throw MediaFile.damaged(path, "a piece of \(length) octets is over the limit of \(max)")
        }
        return length
    }

    private static func read(_ handle: FileHandle, _ count: Int, _ path: String) throws -> [UInt8] {
        var octets: [UInt8] = []
        while octets.count < count {
            guard let data = try handle.read(upToCount: count - octets.count), !data.isEmpty else {
                throw MediaFile.damaged(path, "it is cut short")
            }
            octets += data
        }
        return octets
    }
}

/// Media that was read to its end and found to be of a member of the join file's forest.
struct MediaFile {
    let path: String
    let header: MediaHeader
    /// What its creator signed: of the very octets that will be loaded.
    let signed: [UInt8]

    /// Reads the whole file once, without keeping it.
    ///
    /// - Throws: `AdminError` `mediaDamaged`, `mediaOfOtherForest`, `mediaNotTrusted`, `mediaTooOld`, `mediaAhead`.
    init(path: String, forest: GUID, anchors: TrustAnchors, at now: Timestamp) throws {
        let reader = try MediaReader(path: path)
        let header = reader.header
        guard header.forest == forest else {
            throw AdminError(
                code: "mediaOfOtherForest",
                message:
                    "media \(path) is of forest \(header.forestName) (\(header.forest)), the join file of "
                    + "\(forest)",
                hint: "make media at a DSA of the forest that the join file is of: bridgehead media create"
            )
        }
        while try reader.skip() {}
        let (signed, signature) = try reader.finish()
        self.path = path
        self.header = header
        self.signed = signed
        let signer: Certificate
        do throws(CMSFault) {
            try CMSWalk.signed(signature)
            let (content, found) = try CMS.verify(signature)
            guard content == signed else { throw CMSFault.badSignature }
            signer = found
        } catch { throw Self.damaged(path, "its signature does not fit what it holds") }
        let days = ConfigurationReader.days(header.tombstoneLifetimeDays)
        try checkSigner(signer, anchors, lateDays: days, at: now)
        try Self.checkAge(of: "media \(path)", created: header.created, days: days, at: now)
    }

    private func checkSigner(
        _ signer: Certificate,
        _ anchors: TrustAnchors,
        lateDays: Int,
        at now: Timestamp
    ) throws {
        do throws(OpenRefusal) {
            let checks = CertificateChecks(anchors: anchors, lateMailDays: lateDays)
            let (_, dsa) = try checks.check(signer, as: .signer)
            guard dsa == header.creatorGUID else {
                throw OpenRefusal(.wrongFrom, "DSA \(dsa) signed what \(header.creatorGUID) should have made")
            }
            try checks.checkDates(signer, created: header.created, now: now)
        } catch {
            throw AdminError(
                code: "mediaNotTrusted",
                message: "media \(path) is not of a member of this forest: \(error.detail)",
                hint: "make media at a DSA that mail is exchanged with: bridgehead media create"
            )
        }
    }

    /// Tombstones of what was deleted since may be collected already: nothing would tell that it is gone.
    static func checkAge(of what: String, created: Timestamp, days: Int, at now: Timestamp) throws {
        guard now <= created.adding(days: days) else {
            throw AdminError(
                code: "mediaTooOld",
                message:
                    "\(what) was made at \(created), more than \(days) days ago (the tombstone lifetime)",
                hint: "make it again: what was deleted since would come back to life"
            )
        }
        guard created <= now.adding(seconds: PoisonCheck.stampAheadSecondsMax) else {
            throw AdminError(
                code: "mediaAhead",
                message: "\(what) was made at \(created), this clock says \(now)",
                hint: "compare the clocks of the two machines"
            )
        }
    }

    static func damaged(_ path: String, _ reason: String) -> AdminError {
        AdminError(
            code: "mediaDamaged",
            message: "media \(path) is damaged: \(reason)",
            hint: "copy it again, or make new media: bridgehead media create"
        )
    }

    static func part(_ packed: [UInt8], _ path: String) throws -> ChangesReply {
        let octets: [UInt8]
        do throws(OpenRefusal) {
            octets = try Gzip.inflate(
                packed,
                octetsMax: ReplicationLimits.partOctetsMax,
                ratioMax: MediaFormat.ratioMax
            )
        } catch { throw damaged(path, error.detail) }
        do throws(CodecError) {
            if case .reply(let part) = try ReplicationCodec.decode(octets) { return part }
        } catch { throw damaged(path, "\(error)") }
        throw damaged(path, "a part holds no changes")
    }
}

/// What a media file says of itself, for people: nothing of it is proven.
package struct MediaSummary: Sendable {
    package let header: MediaHeader
    package let parts: Int

    /// - Throws: `AdminError` when the file is not whole.
    package init(path: String) throws {
        let reader = try MediaReader(path: path)
        var parts = 0
        while try reader.skip() { parts += 1 }
        _ = try reader.finish()
        header = reader.header
        self.parts = parts
    }
}
