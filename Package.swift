// swift-tools-version: 6.2
import PackageDescription

// One-way imports: docs/ARCHITECTURE.md has the table, Tests/TidyTests holds it.

// Without NonisolatedNonsendingByDefault: with it, optimised code of Swift 6.3.1 left actors after awaiting a
// class's asynchronous method that waits for another queue (GenerationFile.handOut, DirectoryStore.apply), so that
// two tasks were in one actor. ReplicationAgent checks for it; scripts/demo runs the optimised build.
let house: [SwiftSetting] = [
    // Faults put in on purpose, for `scripts/simulate --planted` alone: docs/testing.md.
    .define("PLANTED_BUGS", .when(traits: ["PlantedBugs"])),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .treatAllWarnings(as: .error),
]
let pure: [SwiftSetting] = house + [.strictMemorySafety()]

let nioCore: Target.Dependency = .product(name: "NIOCore", package: "swift-nio")
let nioPosix: Target.Dependency = .product(name: "NIOPosix", package: "swift-nio")
let nioSSL: Target.Dependency = .product(name: "NIOSSL", package: "swift-nio-ssl")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let lifecycle: Target.Dependency = .product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let unixSignals: Target.Dependency = .product(name: "UnixSignals", package: "swift-service-lifecycle")
let grdb: Target.Dependency = .product(name: "GRDB", package: "GRDB.swift")
let grdbSQLite: Target.Dependency = .product(name: "GRDBSQLite", package: "GRDB.swift")
let asn1: Target.Dependency = .product(name: "SwiftASN1", package: "swift-asn1")
let hummingbird: Target.Dependency = .product(name: "Hummingbird", package: "hummingbird")

let package = Package(
    name: "bridgehead",
    platforms: [.macOS(.v15)],
    products: [.executable(name: "bridgehead", targets: ["bridgehead"])],
    traits: [
        .trait(name: "PlantedBugs", description: "Faults put in on purpose: scripts/simulate --planted")
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-asn1", from: "1.7.4"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1", traits: []),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    ],
    targets: [
        // The system's C libraries: wrappers for variadics and macros, nothing else.
        .target(name: "CCurl", linkerSettings: [.linkedLibrary("curl")]),
        .target(
            name: "COpenSSL",
            cSettings: [.define("OPENSSL_API_COMPAT", to: "30000"), .define("OPENSSL_NO_DEPRECATED")],
            linkerSettings: [.linkedLibrary("crypto")]
        ),
        // Nothing to import: the programs that depend on it have one heap.
        .target(name: "CMemory"),
        .target(name: "CZlib", linkerSettings: [.linkedLibrary("z")]),

        // Pure: no file, socket, clock, randomness or logger.
        .target(name: "Identifiers", swiftSettings: pure),
        .target(
            name: "DirectoryModel",
            dependencies: ["Identifiers"],
            resources: [.embedInCode("Resources/schema.ldif")],
            swiftSettings: pure
        ),
        .target(name: "Replication", dependencies: ["Identifiers", "DirectoryModel"], swiftSettings: pure),
        .target(name: "Topology", dependencies: ["Identifiers", "DirectoryModel"], swiftSettings: pure),
        .target(name: "SMTP", dependencies: ["Identifiers"], swiftSettings: pure),

        // Shells.
        .target(name: "PKI", dependencies: ["Identifiers", "COpenSSL", asn1], swiftSettings: house),
        .target(
            name: "SecureMail",
            dependencies: ["Identifiers", "PKI", "SMTP", "CZlib"],
            swiftSettings: house
        ),
        .target(
            name: "InterSiteMessaging",
            dependencies: [
                "Identifiers", "SMTP", "PKI", "SecureMail", "CCurl", nioCore, nioPosix, nioSSL, logging,
            ],
            swiftSettings: house
        ),
        .target(
            name: "Store",
            dependencies: ["Identifiers", "DirectoryModel", "Replication", grdb, grdbSQLite],
            swiftSettings: house
        ),
        .target(name: "AdminAPI", dependencies: ["Identifiers", "DirectoryModel"], swiftSettings: house),
        .target(name: "AdminClient", dependencies: ["AdminAPI", "CCurl"], swiftSettings: house),
        .target(
            name: "Console",
            dependencies: ["Identifiers", "AdminAPI", hummingbird, nioCore, logging, lifecycle],
            swiftSettings: house
        ),
        .target(
            name: "DomainController",
            dependencies: [
                "Identifiers", "DirectoryModel", "Replication", "SMTP", "PKI", "SecureMail",
                "InterSiteMessaging", "Store", "AdminAPI", logging, lifecycle,
            ],
            swiftSettings: house
        ),
        .executableTarget(
            name: "bridgehead",
            dependencies: [
                "Identifiers", "DirectoryModel", "Topology", "DomainController", "InterSiteMessaging",
                "AdminAPI", "AdminClient", "Console", "CMemory", logging, lifecycle, unixSignals,
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Yams", package: "Yams"),
            ],
            swiftSettings: house
        ),

        // Whole DSAs in one process, on a virtual clock, over bad mail: see docs/ARCHITECTURE.md.
        .target(
            name: "Simulator",
            dependencies: [
                "Identifiers", "DirectoryModel", "Replication", "PKI", "SMTP", "SecureMail",
                "InterSiteMessaging", "Store", "DomainController", logging,
            ],
            swiftSettings: house
        ),
        .executableTarget(
            name: "simulate",
            dependencies: ["Simulator", .product(name: "ArgumentParser", package: "swift-argument-parser")],
            swiftSettings: house
        ),

        // Figures of the data path, in release: see Benchmarks/README.md.
        .executableTarget(
            name: "Bench",
            dependencies: [
                "Identifiers", "DirectoryModel", "Replication", "Topology", "SMTP", "PKI", "SecureMail",
                "InterSiteMessaging", "Store", "CMemory", logging,
            ],
            path: "Benchmarks",
            exclude: ["README.md"],
            swiftSettings: house
        ),

        // Tests. DialogueFiles reads the SMTP dialogues for the pure session and for the socket alike.
        .target(name: "DialogueFiles", path: "Tests/DialogueFiles", swiftSettings: house),
        .testTarget(name: "IdentifiersTests", dependencies: ["Identifiers"], swiftSettings: house),
        .testTarget(
            name: "DirectoryModelTests",
            dependencies: ["Identifiers", "DirectoryModel"],
            swiftSettings: house
        ),
        .testTarget(
            name: "ReplicationTests",
            dependencies: ["Identifiers", "DirectoryModel", "Replication"],
            swiftSettings: house
        ),
        .testTarget(
            name: "TopologyTests",
            dependencies: ["Identifiers", "DirectoryModel", "Topology"],
            exclude: ["Exports", "Golden"],
            swiftSettings: house
        ),
        .testTarget(
            name: "SMTPTests",
            dependencies: ["Identifiers", "SMTP", "DialogueFiles"],
            exclude: ["Dialogues"],
            swiftSettings: house
        ),
        .testTarget(name: "PKITests", dependencies: ["Identifiers", "PKI"], swiftSettings: house),
        .testTarget(
            name: "SecureMailTests",
            dependencies: ["Identifiers", "PKI", "SMTP", "SecureMail"],
            swiftSettings: house
        ),
        .testTarget(
            name: "InterSiteMessagingTests",
            dependencies: [
                "Identifiers", "SMTP", "PKI", "SecureMail", "InterSiteMessaging", "Simulator",
                "DialogueFiles", nioCore, nioPosix, nioSSL, logging,
            ],
            swiftSettings: house
        ),
        .testTarget(
            name: "StoreTests",
            dependencies: ["Identifiers", "DirectoryModel", "Replication", "Store"],
            swiftSettings: house
        ),
        .testTarget(
            name: "ConsoleTests",
            dependencies: ["Identifiers", "AdminAPI", "AdminClient", "Console", logging, lifecycle],
            swiftSettings: house
        ),
        .testTarget(
            name: "DomainControllerTests",
            dependencies: [
                "Identifiers", "DirectoryModel", "Replication", "SMTP", "PKI", "SecureMail",
                "InterSiteMessaging", "Store", "AdminAPI", "DomainController", "Simulator", logging,
                lifecycle,
            ],
            swiftSettings: house
        ),
        .testTarget(
            name: "SimulationTests",
            dependencies: ["Identifiers", "DirectoryModel", "Replication", "Store", "Simulator"],
            exclude: ["seeds-failed.txt", "Scenarios"],
            swiftSettings: house
        ),
        .testTarget(name: "TidyTests", swiftSettings: house),
    ],
    swiftLanguageModes: [.v6]
)
