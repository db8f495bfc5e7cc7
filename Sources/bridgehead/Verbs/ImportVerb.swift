import AdminAPI
import ArgumentParser
import Foundation

struct ImportVerb: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import",
        abstract: "Import an LDIF file of any length.",
        discussion: """
            Ends with 1 when a record was refused; each one is named with its line. Definitions of the schema may \
            stand in any order; those which are here already are counted, those which contradict are refused.
            """
    )

    @Argument(help: "LDIF; - is stdin.") var file: String
    @Option(name: .customLong("from-dn"), help: "Suffix of names that is exchanged, such as DC=X.")
    var fromDN: String?
    @Option(name: .customLong("to-dn"), help: "What takes its place (default: this forest's root domain).")
    var toDN: String?
    @OptionGroup var dsa: DSAOptions
    @OptionGroup var output: JSONOption

    func validate() throws {
        guard toDN == nil || fromDN != nil else { throw ValidationError("--to-dn needs --from-dn.") }
    }

    func run() async throws {
        let handle = try Input.handle(file, what: "LDIF")
        let options = ImportOptions(fromDN: fromDN, toDN: toDN)
        let bar = ProgressBar(octetsAll: Input.size(handle))
        let reply: ImportReply
        do {
            let pieces = Input.pieces(handle) { bar.read($0) }
            reply = try await dsa.client().importLDIF(pieces, options: options) { bar.show($0) }
        } catch {
            bar.clear()
            throw error
        }
        bar.clear()
        try output.print(reply, text: reply.text)
        if reply.refused > 0 {
            throw ProblemFound(
                message: "\(reply.refused) of \(reply.read) records were refused",
                hint: "correct them in a file of their own and import that"
            )
        }
    }
}

struct ExportVerb: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export",
        abstract: "Print what this DSA holds as LDIF.",
        discussion: "With --canonical: sorted lines with stamps and digests, equal on equal replicas."
    )

    @Option(help: "Naming context, a DN or GUID; repeatable (default: all).") var nc: [String] = []
    @Flag(help: "The dump that is equal on equal replicas.") var canonical = false
    @Flag(help: "Domains only as far as partial replicas hold them.") var partialAttributes = false
    @Flag(help: "Operational attributes, too.") var operational = false
    @Option(help: "Where to write it (mode 0600); - is stdout.") var out = "-"
    @OptionGroup var dsa: DSAOptions

    func run() async throws {
        let query = ExportQuery(
            namingContexts: nc,
            canonical: canonical,
            partialAttributesOnly: partialAttributes,
            operational: operational
        )
        let pieces = try await dsa.client().export(query)
        let handle = try Input.create(out)
        for try await piece in pieces { try handle.write(contentsOf: Data(piece)) }
    }
}
