extension Schema {
    /// What every DN of schema.ldif ends in: whoever loads the objects into a directory puts the DN of the
    /// schema naming context there.
    package static let relativeSuffix = "<SCHEMA>"

    /// The schema that is built in, from the embedded schema.ldif.
    package static func builtin() throws(BuiltinSchemaError) -> Schema {
        guard parsed.errors.isEmpty else { throw BuiltinSchemaError(reasons: parsed.errors) }
        guard parsed.schema.problems.isEmpty else {
            throw BuiltinSchemaError(reasons: parsed.schema.problems.map(\.description))
        }
        return parsed.schema
    }

    /// The objects of schema.ldif in file order; DNs end in `relativeSuffix`.
    package static func builtinRecords() -> [LDIFRecord] { parsed.records }

    /// The same, as definitions that stand in for objects which are not held.
    package static func builtinObjects() -> [SchemaObject] { parsed.schema.objects }

    /// Read once: the file is part of the program and never changes.
    private static let parsed: (records: [LDIFRecord], errors: [String], schema: Schema) = {
        var reader = LDIFReader()
        var records: [LDIFRecord] = []
        var errors: [String] = []
        for result in reader.feed(PackageResources.schema_ldif) + reader.finish() {
            switch result {
            case .success(let record): records.append(record)
            case .failure(let error): errors.append(error.description)
            }
        }
        let objects = records.map { record in
            var object = SchemaObject(name: record.dn, attributes: record.contentAttributes)
            object.isBuiltin = true
            return object
        }
        return (records, errors, Schema(objects: objects))
    }()
}

/// The embedded schema is damaged: a fault of the program, found by its tests.
package struct BuiltinSchemaError: Error, Hashable, Sendable, CustomStringConvertible {
    package let reasons: [String]

    package var description: String { "the built-in schema is damaged: \(reasons.joined(separator: "; "))" }
}
