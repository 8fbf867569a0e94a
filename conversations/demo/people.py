"""Who works in the demo contact centre, and who calls?"""

from __future__ import annotations

from dataclasses import dataclass

from supervisor_console.kernel.actor import Role

BILLING, RETURNS, TECHNICAL, SALES = "Billing", "Returns", "Technical", "Sales"
CALLS = "Calls"
ACCOUNTS = "Accounts"
PARTNERS = "Partners"

AGENT = frozenset({Role.AGENT})
SUPERVISOR = frozenset({Role.SUPERVISOR})
LEAD = SUPERVISOR | AGENT


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who takes work: what they can, how much, and where they are when the demo begins.

    ``holds`` and ``calls`` are how many conversations and calls they have then, ``seats`` their limit in
    the capacity profile of WhatsApp (None: they do not have it), ``presence`` what they chose last and
    ``minutes`` how long ago; without one their presence follows from their capacity. ``default`` is what they are when
    they sign in, where it is not Available.
    """

    username: str
    first: str
    last: str
    queues: str
    skills: str = ""
    units: int = 100
    holds: int = 0
    calls: int = 0
    seats: int | None = None
    presence: str = ""
    minutes: int = 2
    default: str = ""
    roles: frozenset[Role] = AGENT

    @property
    def name(self) -> str:
        """What others read."""
        return f"{self.first} {self.last}"


# The log-ins. Their desks are nearly empty and they are Available, so that whatever a visitor assigns reaches them.
PLAYERS = (
    Person("agent1", "Ana", "Horvat", "Billing, Returns, Calls", "Slovenian 5, Croatian 4, Payments 5", holds=1),
    Person("agent2", "Luka", "Zajc", "Sales, Accounts, Technical", "Slovenian 5, German 3, Contracts 4"),
    Person("agent3", "Claire", "Martin", "Returns, Billing, Calls", "French 5, Italian 3, Orders 4", holds=1),
    Person("agent4", "Jože", "Krajnc", "Technical, Returns", "Slovenian 5, German 4, Network 5", holds=1, seats=4),
    Person("agent5", "Mateja", "Kos", "Billing, Sales, Calls", "Slovenian 5, Hungarian 3, Payments 4", seats=4),
    Person("agent6", "Marc", "Lefèvre", "Technical, Calls", "French 5, German 4, Devices 5, Network 3", calls=1),
    Person("agent7", "Eva", "Marolt", "Sales, Billing", "Slovenian 5, Italian 4, Contracts 5", holds=1, seats=4),
    Person("agent8", "Błażej", "Wiśniewski", "Technical, Returns, Sales", "Polish 5, German 3, Devices 4"),
)

COLLEAGUES = (
    Person("katarzyna", "Katarzyna", "Łukasik", "Technical, Returns, Calls", "Polish 5, Network 4", holds=5, calls=1),
    Person("agnes", "Ágnes", "Erdős", "Technical, Billing, Calls", "Hungarian 5, German 4", 150, holds=5, calls=1),
    Person("marton", "Márton", "Fülöp-Kőszegi", "Billing, Returns, Calls", "Hungarian 5, Payments 4", holds=4, calls=1),
    Person("zeljko", "Željko", "Šimunić", "Sales, Accounts, Calls", "Croatian 5, Contracts 4", 120, 5, 1, seats=4),
    Person("durda", "Đurđa", "Božić", "Returns, Billing", "Croatian 5, Slovenian 3, Orders 5", 120, holds=6, seats=3),
    Person("spela", "Špela", "Čeh", "Technical, Calls", "Slovenian 5, Devices 4", holds=3, calls=1),
    Person("giulia", "Giulia", "Ferrari", "Returns, Sales, Calls", "Italian 5, Orders 4", holds=4, calls=1, seats=4),
    Person("paul", "Paul", "O’Neill", "Billing, Accounts, Calls", "Payments 5, Contracts 2", 150, holds=5, calls=1),
    Person("sofia", "Sofia", "Lindqvist", "Sales, Technical", "German 3, Contracts 5", units=80, holds=4, seats=2),
    Person("jurgen", "Jürgen", "Weiß", "Technical, Billing", "German 5, Network 5", units=60, holds=4),
    Person(
        "diego", "Diego", "Fernández", "Sales, Returns", "Spanish 5", holds=4, seats=5, presence="Lunch", minutes=12
    ),
    Person("ioana", "Ioana", "Dragomir", "Billing, Returns", "Italian 4", holds=4, presence="Coaching", minutes=26),
    Person("ondrej", "Ondřej", "Dvořák", "Technical, Accounts", "Polish 3", holds=3, presence="Away", minutes=7),
    Person(
        "maximiliana",
        "Maximiliana",
        "Wolfeschlegelstein-Krzyżanowska von Hohenberg",
        "Billing, Sales, Technical",
        "German 5, Polish 5, Hungarian 2, Contracts 5, Payments 3",
        units=150,
        holds=6,
        seats=6,
    ),
    Person("wei", "Wei", "Chen", "Technical, Sales", "Devices 5, Network 2", holds=2, presence="Offline", minutes=95),
    Person("nadia", "Nadia", "Benali", "Returns, Billing", "French 5, Spanish 4, Orders 5", holds=1),
    Person("tomaz", "Tomaž", "Žagar", "Technical, Returns", "Slovenian 5", holds=1, presence="Offline", minutes=31),
)

MISSES = "nadia"
"""The one who does not answer an offer, and is Inactive since."""

SUPERVISORS = (
    Person(
        "supervisor",
        "Petra",
        "Golob",
        "Billing, Technical",
        "Slovenian 5, German 4, Payments 5",
        holds=1,
        presence="Away",
        default="Away",  # Who looks at the report is not interrupted by offers, until she says that she takes work.
        roles=LEAD,
    ),
    Person(
        "supervisor2",
        "Stefan",
        "Ilić",
        "Technical, Returns, Calls",
        "German 5, Network 4",
        roles=SUPERVISOR,
    ),
)

ADMIN = ("admin", "Olga", "Novak")
BOT = ("vesna-bot", "Vesna", "(assistant)")
ASSISTANT = "Web shop assistant"
"""The workstream that the bot serves first."""

EVERYBODY = PLAYERS + COLLEAGUES + SUPERVISORS

CUSTOMERS = {
    "English": (
        "Ioana Petrescu, L. Dubois, Nordlys AS, M. Ribeiro, Hana Svobodová, P. Lindqvist, Yusuf Demir, R. van Dijk, "
        "S. O’Connor, Acme Freight d.o.o., Kavarna Union, Grace Okafor, Tom Becker, Priya Raman, Elif Şahin, "
        "Niamh Byrne, Lars Jørgensen, Mikko Virtanen, Sean Walsh, Amara Diallo, Chloé Garnier, Ivan Petrov, "
        "Θάλεια Νικολάου, Anneke de Vries, Daniel Okoye, Olivia Brown, Jack Turner, Zsófia Kiss, Helga Bauer, "
        "Rui Carvalho, Mette Sørensen, Jakub Król, Ewa Dąbrowska, Lucía Romero, Benedikt Huber, Sanne Bakker, "
        "Tiago Martins, 佐藤 美咲, Radek Černý, Maja Zupančič, Omar Haddad, Nina Eriks, Viktor Hansen, Leila Karimi, "
        "Ruth Adler, Peter Novotný, Aoife Kelly, Bence Szőke, Carla Mendes, Dorota Lis, Emil Nyström, Fatima Zahra, "
        "Georg Steiner, Hugo Laurent, Ingrid Moe, João Pereira, Kristína Horáková, Liam Hughes, Marta Wójcik, "
        "Noah Schmitt, Oskar Lund, Paula Ortega, Quentin Roy, Rosa Bianchi, Simon Keller, Teresa Gomes, Ugo Conti, "
        "Valérie Petit, Wanda Mazur, Xenia Wolf, Yara Nasser, Zoltán Nagy, Bluebird Logistics Ltd, Studio Kvadrat, "
        "Municipality of Upper Danube Valley – Department of Digital Services and Citizen Relations, Alice Moreau, "
        "Bruno Costa, Cecilia Rossi, David Fischer, Emma Wilson, Felix Braun, Greta Holm, Henrik Dahl, Isla Murray, "
        "Jonas Weber, Karin Lind, Leo Martin, Mia Andersen, Nora Jensen, Otto Lehmann, Pia Schwarz, Robin Peeters, "
        "Sara Kovač, Theo Janssen, Una Brady, Vera Sokolova, William Clarke, Ximena Cruz, Yvonne Meyer, Zara Ali"
    ),
    "German": "Sabine Vogel, Heinz Groß, Ulrike Köhler, Bäckerei Müller GmbH, Franz Jäger, Anja Schröder",
    "Slovenian": "Tadej Novak, Mojca Kranjc, Žiga Šuštar, Čebelarstvo Jurič, Alenka Žnidaršič, Urška Bajželj",
    "French": "Amélie Rousseau, Thierry Lefort, Boulangerie Chez Odile",
    "Italian": "Giulia Conti, Paolo Esposito, Francesca Greco",
    "Polish": "Małgorzata Zięba, Paweł Śliwiński, Łukasz Żuraw",
    "Hungarian": "Gergő Tóth, Eszter Szűcs, Őrségi Pékség Kft.",
    "Spanish": "Álvaro Núñez, María José Peña, Begoña Ibáñez",
    "Croatian": "Krešimir Đurić, Željka Horvatić, Šime Čulo",
}
"""Names by language; names stand between commas."""

CITIES = ("Maribor", "Graz", "Győr", "Kraków", "Trieste", "Brno", "Rijeka", "Lyon", "Gent", "Malmö", "Porto", "Cork")
PRODUCTS = ("Aria 2", "Nordlink X4", "Halo Cam", "Verso Lock", "Lumen 27")
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")


def listed(text: str) -> tuple[str, ...]:
    """The parts of a text that stand between commas."""
    return tuple(part.strip() for part in text.split(","))


def rated(text: str) -> dict[str, int]:
    """Skills with their proficiency: «German 4, Network 5»."""
    return {part.rpartition(" ")[0]: int(part.rpartition(" ")[2]) for part in listed(text) if part}
