#include "sync/mask/word_lists.h"

namespace rotv::mask {
namespace {

constexpr std::string_view kFirstNames[] = {
    "Ada",     "Adam",   "Agnes",   "Aisha",  "Alan",   "Albert", "Alice",  "Amina",  "Amy",    "Anders", "Andrea",
    "Anna",    "Anton",  "Arthur",  "Astrid", "Ben",    "Bianca", "Bjorn",  "Boris",  "Bruno",  "Carla",  "Carlos",
    "Cecilia", "Celine", "Chen",    "Chloe",  "Clara",  "Claude", "Cora",   "Dana",   "Daniel", "David",  "Diego",
    "Dina",    "Dora",   "Edgar",   "Edith",  "Elena",  "Eli",    "Elif",   "Elin",   "Ella",   "Emil",   "Emma",
    "Erik",    "Esther", "Eva",     "Farid",  "Fatima", "Felix",  "Fiona",  "Flora",  "Frank",  "Frida",  "Gabriel",
    "Gerda",   "Gina",   "Grace",   "Greta",  "Gustav", "Hana",   "Hannah", "Harold", "Hassan", "Heidi",  "Helen",
    "Henry",   "Hugo",   "Ida",     "Igor",   "Ines",   "Ingrid", "Irene",  "Isaac",  "Ivan",   "Ivy",    "Jack",
    "Jan",     "Jana",   "Jasmine", "Javier", "Jens",   "Joan",   "Jonas",  "Josef",  "Julia",  "Kai",    "Karin",
    "Karl",    "Kate",   "Kenji",   "Klara",  "Lars",   "Laura",  "Lea",    "Leila",  "Lena",   "Leo",    "Lin",
    "Lina",    "Linus",  "Lisa",    "Lucas",  "Lucia",  "Luis",   "Magda",  "Maria",  "Mario",  "Marta",  "Martin",
    "Mateo",   "Maya",   "Mei",     "Mia",    "Milan",  "Mina",   "Mira",   "Mona",   "Nadia",  "Nils",   "Nina",
    "Nora",    "Oksana", "Olga",    "Oliver", "Omar",   "Oscar",  "Otto",   "Pablo",  "Paula",  "Pavel",  "Peter",
    "Petra",   "Pia",    "Priya",   "Rafael", "Rania",  "Rita",   "Robert", "Rosa",   "Ruth",   "Samir",  "Samuel",
    "Sara",    "Selma",  "Simon",   "Sofia",  "Stefan", "Sven",   "Tara",   "Tariq",  "Teresa", "Thomas", "Tina",
    "Tom",     "Ulla",   "Uma",     "Vera",   "Victor", "Viktor", "Walter", "Wanda",  "Wei",    "Yara",   "Yuki",
    "Yusuf",   "Zoe"};

constexpr std::string_view kLastNames[] = {
    "Adler",   "Ahmed",   "Almeida", "Andersen", "Antonov",  "Baker",    "Barros",   "Bauer",   "Becker",   "Berg",
    "Bianchi", "Bishop",  "Blom",    "Bogdan",   "Braun",    "Brown",    "Bruun",    "Burke",   "Campbell", "Carter",
    "Castro",  "Chan",    "Chandra", "Cohen",    "Conti",    "Cooper",   "Costa",    "Cruz",    "Dahl",     "Danilov",
    "Diaz",    "Dubois",  "Duran",   "Eriksen",  "Evans",    "Farkas",   "Fischer",  "Fontane", "Foster",   "Fuchs",
    "Garcia",  "Geller",  "Gomez",   "Gordon",   "Graham",   "Green",    "Grimm",    "Haas",    "Hansen",   "Harris",
    "Hassan",  "Hayes",   "Heller",  "Herrera",  "Hoffman",  "Holm",     "Horvat",   "Hughes",  "Ibrahim",  "Ivanov",
    "Jansen",  "Jensen",  "Johnson", "Jones",    "Jung",     "Kaplan",   "Karlsen",  "Kaur",    "Keller",   "Kelly",
    "Khan",    "Kim",     "Klein",   "Koch",     "Kovac",    "Kowalski", "Kraus",    "Kumar",   "Lambert",  "Lang",
    "Larsen",  "Laurent", "Lee",     "Lehmann",  "Lewis",    "Lima",     "Lindgren", "Lopez",   "Lorenz",   "Lund",
    "Mancini", "Marin",   "Martin",  "Mason",    "Mendez",   "Meyer",    "Miller",   "Moore",   "Morales",  "Moreau",
    "Morgan",  "Moser",   "Murphy",  "Nagy",     "Nakamura", "Navarro",  "Nguyen",   "Nielsen", "Novak",    "Okafor",
    "Olsen",   "Ortiz",   "Ozturk",  "Park",     "Patel",    "Pavlov",   "Pereira",  "Peters",  "Petrov",   "Popov",
    "Price",   "Quinn",   "Ramos",   "Reed",     "Reyes",    "Ricci",    "Riley",    "Rivera",  "Roberts",  "Romero",
    "Rossi",   "Roth",    "Russo",   "Sahin",    "Santos",   "Sato",     "Schmidt",  "Schulz",  "Shaw",     "Silva",
    "Singh",   "Sokolov", "Sommer",  "Stein",    "Suzuki",   "Svensson", "Tanaka",   "Taylor",  "Thorn",    "Torres",
    "Turner",  "Vargas",  "Vega",    "Vogel",    "Wagner",   "Walker",   "Walsh",    "Wang",    "Weber",    "Weiss",
    "White",   "Wilson",  "Winter",  "Wolf",     "Wood",     "Wright",   "Yamada",   "Yilmaz",  "Young",    "Zhang",
    "Zimmer"};

constexpr std::string_view kStreets[] = {
    "Acorn Street",  "Alder Avenue",  "Apple Road",    "Ash Lane",        "Aspen Street",  "Bay Avenue",
    "Beech Road",    "Birch Lane",    "Bridge Street", "Brook Avenue",    "Canal Road",    "Castle Lane",
    "Cedar Street",  "Chapel Avenue", "Cherry Road",   "Chestnut Lane",   "Church Street", "Clover Avenue",
    "Cypress Road",  "Dale Lane",     "Elm Street",    "Fern Avenue",     "Field Road",    "Forest Lane",
    "Garden Street", "Grove Avenue",  "Harbor Road",   "Hazel Lane",      "Hill Street",   "Hollow Avenue",
    "Ivy Road",      "Juniper Lane",  "Lake Street",   "Larch Avenue",    "Laurel Road",   "Lilac Lane",
    "Linden Street", "Locust Avenue", "Maple Road",    "Market Lane",     "Meadow Street", "Mill Avenue",
    "Mulberry Road", "Oak Lane",      "Olive Street",  "Orchard Avenue",  "Park Road",     "Pine Lane",
    "Poplar Street", "Quarry Avenue", "River Road",    "Rose Lane",       "School Street", "Spring Avenue",
    "Spruce Road",   "Station Lane",  "Stone Street",  "Sycamore Avenue", "Valley Road",   "Village Lane",
    "Vine Street",   "Walnut Avenue", "Willow Road"};

}  // namespace

std::span<const std::string_view> FirstNames() { return kFirstNames; }
std::span<const std::string_view> LastNames() { return kLastNames; }
std::span<const std::string_view> Streets() { return kStreets; }

}  // namespace rotv::mask
