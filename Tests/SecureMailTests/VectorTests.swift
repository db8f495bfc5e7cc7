import Foundation
import Identifiers
import SecureMail
import Testing

@testable import PKI

extension OpenOutcome {
    /// The verdict as vector files write it.
    var verdict: String {
        switch self {
        case .opened: "opened"
        case .fragment: "fragment"
        case .duplicate: "duplicate"
        case .held(let reason): "held \(reason.code)"
        case .refused(let refusal): "refused \(refusal.code.rawValue)"
        }
    }

    var mail: OpenedMail? {
        switch self {
        case .opened(let mail), .fragment(let mail), .duplicate(let mail): mail
        case .held, .refused: nil
        }
    }
}

@Suite(.serialized) struct `Vectors` {
    private static let wish = ProcessInfo.processInfo.environment["BRIDGEHEAD_WRITE_VECTORS"]

    @Test(.enabled(if: wish == "1"))
    func `are written anew when asked for`() throws {
        let forest = try TestForest(new: ())
        let vectors = try VectorMaker.vectors(of: forest)
        let old = try FileManager.default.contentsOfDirectory(
            at: VectorFile.directory,
            includingPropertiesForKeys: nil
        )
        for file in old where file.pathExtension == "vector" { try FileManager.default.removeItem(at: file) }
        try forest.write()
        for vector in vectors { try vector.write() }
    }

    @Test(.enabled(if: wish == "missing"))
    func `that are missing are written with the present keys`() throws {
        let present = Set(try VectorFile.all().map(\.name))
        for vector in try VectorMaker.vectors(of: TestForest()) where !present.contains(vector.name) {
            try vector.write()
        }
    }

    @Test func `end in the verdicts they carry`() throws {
        let forest = try TestForest()
        let protection = try forest.protection()
        let membership = try forest.membership
        let vectors = try VectorFile.all()
        #expect(vectors.count >= 60)
        for vector in vectors {
            let outcome = protection.open(
                vector.mail,
                membership: membership,
                isCommitted: { _, _ in vector.isCommitted },
                at: vector.now
            )
            #expect(outcome.verdict == vector.expect, "\(vector.name): \(vector.why)")
            #expect(outcome.mail.map { Hex.text(Digest.sha256($0.payload)) } == vector.payloadSHA256)
        }
    }

    @Test func `cover every code that a mail can earn`() throws {
        let earned = Set(try VectorFile.all().map(\.expect))
        // Those need a certificate that our CA would not make, a mail over 96 MiB, or a broken OpenSSL.
        let unreachable: Set<OpenRefusal.Code> = [.noIdentity, .tooLarge, .library, .notMIME]
        for code in OpenRefusal.Code.allCases where !unreachable.contains(code) {
            #expect(earned.contains("refused \(code.rawValue)"), "\(code)")
        }
    }

    @Test func `survive their own text form`() throws {
        for vector in try VectorFile.all() {
            let again = try VectorFile(text: vector.text)
            #expect(again.text == vector.text)
            #expect(again.mail == vector.mail)
        }
    }
}
