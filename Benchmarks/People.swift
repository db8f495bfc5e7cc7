import DirectoryModel

/// Entries of about 1 KB in eighteen attribute types: the same people for the same numbers.
struct People {
    private static let givenNames = words(
        """
        James Mary Robert Patricia John Jennifer Michael Linda David Elizabeth Karen Priya Wei Fatima Olga Kenji
        Amara Bruno Chloe Dmitri Elena Farid Grace Hassan Ingrid Jorge Keiko Lars Mateo Niamh
        """
    )
    private static let surnames = words(
        """
        Smith Johnson Williams Brown Jones Garcia Miller Davis Nguyen Tremblay Singh Kowalski Okafor Tanaka Rossi
        Abbott Bergstrom Calderon Dubois Eriksson Fischer Hernandez Ibsen Jansen Laurent Moreau Novak Petrov Quinn Silva
        """
    )
    private static let cities = words(
        "Vancouver,BC Redmond,WA Toronto,ON Calgary,AB Seattle,WA Montreal,QC Spokane,WA Kelowna,BC"
    )
    private static let titles = words(
        "Engineer Analyst Director Technician Consultant Administrator Clerk Surveyor Planner Geologist"
    )
    private static let departments = words(
        "Sales Finance Research Operations Legal Support Marketing Logistics"
    )
    private static let streets = words("Main Granville Hastings Robson Pine Cedar Maple Ocean Hill Lake")
    private static let topics = words(
        """
        alpha branch office network replication site bridge head schedule link cost server domain forest partner
        transfer message queue folder mail drop secure batch update number mark table window object class value
        change source target notify poll route edge tree ring guard seal stamp token wire frame block store fetch
        apply merge order delay retry limit group user print share drive access policy review audit report budget
        project plan design build test release support client vendor contract invoice travel expense training
        harbour engine crew cabin ledger permit beacon anchor survey valve
        """
    )
    private static let wordsPerDescription = 74

    let parent: DistinguishedName
    private var random = SplitMix(seed: 20_000)

    init(below parent: DistinguishedName) { self.parent = parent }

    mutating func entry(_ number: Int) -> Entry {
        let (given, surname) = (pick(Self.givenNames), pick(Self.surnames))
        let city = pick(Self.cities).split(separator: ",").map(String.init)
        let uid = Self.uid(number)
        let description = (0..<Self.wordsPerDescription).map { _ in pick(Self.topics) }
        let values: [(String, [String])] = [
            ("objectClass", ["top", "person", "organizationalPerson", "inetOrgPerson"]),
            ("uid", [uid]), ("cn", ["\(given) \(surname) \(number)"]), ("sn", [surname]),
            ("givenName", [given]), ("displayName", ["\(given) \(surname)"]),
            ("mail", ["\(given.lowercased()).\(surname.lowercased()).\(number)@reskit.example"]),
            ("telephoneNumber", ["+1 604 \(Self.padded(below(1_000), 3)) \(Self.padded(below(10_000), 4))"]),
            ("mobile", ["+1 778 \(Self.padded(below(1_000), 3)) \(Self.padded(below(10_000), 4))"]),
            ("title", [pick(Self.titles)]), ("departmentNumber", [pick(Self.departments)]),
            ("employeeNumber", [Self.padded(String(random.next(), radix: 16), 16)]), ("l", [city[0]]),
            ("st", [city[1]]),
            ("street", ["\(below(9_999)) \(pick(Self.streets)) Street"]),
            ("postalCode", [Self.padded(below(100_000), 5)]),
            ("physicalDeliveryOfficeName", ["\(city[0]) \(below(40))-\(below(999))"]),
            ("description", [description.joined(separator: " ")]),
        ]
        return Entry(
            dn: parent.child(RDN(type: .uid, value: uid)),
            attributes: values.map { EntryAttribute(name: $0.0, strings: $0.1) }
        )
    }

    private static func words(_ text: String) -> [String] {
        text.split(whereSeparator: \.isWhitespace).map(String.init)
    }

    private mutating func pick(_ choices: [String]) -> String { choices[below(choices.count)] }

    private mutating func below(_ bound: Int) -> Int { Int.random(in: 0..<bound, using: &random) }

    static func uid(_ number: Int) -> String { "u" + padded(number, 6) }

    private static func padded(_ number: Int, _ digits: Int) -> String { padded(String(number), digits) }

    private static func padded(_ text: String, _ digits: Int) -> String {
        String(repeating: "0", count: max(0, digits - text.count)) + text
    }
}

/// The same numbers for the same seed, everywhere.
struct SplitMix: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}
