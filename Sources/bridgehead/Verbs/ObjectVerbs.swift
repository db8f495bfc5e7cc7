import AdminAPI
import ArgumentParser

struct ObjectVerbs: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "object",
        abstract: "Read and write objects; LDIF in and out.",
        discussion: "An object is named by its DN, its GUID, or <GUID=...>.",
        subcommands: [
            Get.self, Add.self, Modify.self, Move.self, Delete.self, Undelete.self, Metadata.self,
            Why.self,
        ]
    )

    struct Get: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print an object, or those below it, as LDIF."
        )

        @Argument(help: "DN or GUID.") var object: String
        @Option(help: "base, one or sub.") var scope: SearchScope = .base
        @Option(name: .customLong("class"), help: "Only objects of this class.") var objectClass: String?
        @Option(help: "Only these attributes, with commas between them.") var attributes: String?
        @Option(help: "Objects at most.") var limit = 1_000
        @Flag(help: "Deleted objects, too.") var deleted = false
        @Flag(help: "Operational attributes, too.") var operational = false
        @OptionGroup var dsa: DSAOptions
        @OptionGroup var output: JSONOption

        private var names: [String] { (attributes ?? "").split(separator: ",").map(String.init) }

        func validate() throws {
            guard (1...AdminLimits.searchObjectsMax).contains(limit) else {
                throw ValidationError("--limit must be from 1 to \(AdminLimits.searchObjectsMax).")
            }
        }

        func run() async throws {
            let target = ObjectTarget(object)
            if scope == .base, objectClass == nil {
                let query = ObjectQuery(
                    target: target,
                    deleted: deleted,
                    operational: operational,
                    attributes: names
                )
                let found = try await dsa.client().object(query)
                return try output.print(found, text: LDIFText.entry(found))
            }
            let query = SearchQuery(
                base: target,
                scope: scope,
                objectClass: objectClass,
                attributes: names,
                deleted: deleted,
                operational: operational,
                limit: limit
            )
            let found = try await dsa.client().objects(query)
            try output.print(found, text: found.objects.map(LDIFText.entry).joined())
            if !found.isComplete {
                throw ProblemFound(
                    message: "there are more than \(limit) objects; the rest is not shown",
                    hint: "narrow the search, raise --limit, or use bridgehead export"
                )
            }
        }
    }

    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Add the entries of an LDIF file, all or none of them."
        )

        @Argument(help: "LDIF; - is stdin.") var file = "-"
        @OptionGroup var dsa: DSAOptions
        @OptionGroup var output: JSONOption

        func run() async throws {
            let operations = try LDIFText.operations(file)
            guard operations.allSatisfy({ if case .add = $0 { true } else { false } }) else {
                throw AdminError(
                    code: "badLDIF",
                    message: "the LDIF has changes that are no adds",
                    hint: "bridgehead object modify takes every kind of change"
                )
            }
            try await output.write(operations, "added", to: dsa)
        }
    }

    struct Modify: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Carry out the changes of an LDIF file, all or none of them."
        )

        @Argument(help: "LDIF with changetype lines; - is stdin.") var file = "-"
        @OptionGroup var dsa: DSAOptions
        @OptionGroup var output: JSONOption

        func run() async throws {
            try await output.write(try LDIFText.operations(file), "written", to: dsa)
        }
    }

    struct Move: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Give an object another name or parent.")

        @Argument(help: "DN or GUID.") var object: String
        @Option(help: "The new parent's DN or GUID.") var parent: String?
        @Option(help: "The new relative name, such as \"OU=Sales\".") var name: String?
        @Flag(help: "Keep the old name as a value.") var keepOldName = false
        @OptionGroup var dsa: DSAOptions
        @OptionGroup var output: JSONOption

        func validate() throws {
            guard parent != nil || name != nil else {
                throw ValidationError("Give --parent, --name or both.")
            }
        }

        func run() async throws {
            let operation = WriteOperation.rename(
                target: ObjectTarget(object),
                newRDN: name,
                deleteOldRDN: !keepOldName,
                newSuperior: parent.map { ObjectTarget($0) }
            )
            try await output.write([operation], "moved", to: dsa)
        }
    }

    struct Delete: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Delete an object.")

        @Argument(help: "DN or GUID.") var object: String
        @Flag(help: "Everything below it, too.") var tree = false
        @OptionGroup var dsa: DSAOptions
        @OptionGroup var output: JSONOption

        func run() async throws {
            try await output.write([.delete(target: ObjectTarget(object), tree: tree)], "deleted", to: dsa)
        }
    }

    struct Undelete: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Bring a deleted object back.",
            discussion: "What the tombstone has lost is not brought back."
        )

        @Argument(help: "GUID, or the DN of the tombstone.") var object: String
        @Option(help: "Parent's DN or GUID (default: where it was).") var parent: String?
        @Option(help: "Relative name (default: what it was).") var name: String?
        @OptionGroup var dsa: DSAOptions
        @OptionGroup var output: JSONOption

        func run() async throws {
            let operation = WriteOperation.undelete(
                target: ObjectTarget(object),
                newRDN: name,
                newSuperior: parent.map { ObjectTarget($0) }
            )
            try await output.write([operation], "undeleted", to: dsa)
        }
    }

    struct Metadata: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show who wrote each attribute and link, when, and in which order."
        )

        @Argument(help: "DN or GUID.") var object: String
        @Flag(help: "Deleted objects, too.") var deleted = false
        @OptionGroup var dsa: DSAOptions
        @OptionGroup var output: JSONOption

        func run() async throws {
            let query = ObjectQuery(target: ObjectTarget(object), deleted: deleted)
            let reply = try await dsa.client().metadata(query)
            try output.print(reply, text: reply.text)
        }
    }

    struct Why: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show how each value came here: its write, the part, the mail and that mail's hops.",
            discussion: """
                Delays are differences between clocks of several machines; what relays wrote into a mail is \
                not authenticated.
                """
        )

        @Argument(help: "DN or GUID.") var object: String
        @Argument(help: "One attribute only.") var attribute: String?
        @Flag(help: "Show the values, too.") var values = false
        @OptionGroup var dsa: DSAOptions
        @OptionGroup var output: JSONOption

        func run() async throws {
            let query = WhyQuery(target: ObjectTarget(object), attribute: attribute, values: values)
            let reply = try await dsa.client().why(query)
            try output.print(reply, text: reply.text)
        }
    }
}

extension SearchScope: ExpressibleByArgument {}

extension JSONOption {
    fileprivate func write(_ operations: [WriteOperation], _ done: String, to dsa: DSAOptions) async throws {
        let reply = try await dsa.client().originate(WriteRequest(operations: operations))
        try print(reply, text: reply.text(done))
    }
}
