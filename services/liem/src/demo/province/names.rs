//! Invented names: a province that is nowhere. Vietnamese first, English second.

/// A thing's name in both languages.
pub(super) type Name = (&'static str, &'static str);

/// How an agency stands in the province.
pub(super) struct AgencyName {
    pub(super) code: &'static str,
    pub(super) name: Name,
    /// The fields whose procedures it handles.
    pub(super) fields: &'static [&'static str],
    /// How many cases it gets, beside the others.
    pub(super) weight: u64,
}

const fn agency(code: &'static str, name: Name, fields: &'static [&'static str], weight: u64) -> AgencyName {
    AgencyName { code, name, fields, weight }
}

/// The agencies of the province itself.
pub(super) const DEPARTMENTS: &[AgencyName] = &[
    agency("H99.1", ("Sở Nội vụ", "Department of Home Affairs"), &["labour"], 5),
    agency("H99.2", ("Sở Tài chính", "Department of Finance"), &["business"], 9),
    agency("H99.3", ("Sở Xây dựng", "Department of Construction"), &["construction", "transport"], 10),
    agency(
        "H99.4",
        ("Sở Nông nghiệp và Môi trường", "Department of Agriculture and Environment"),
        &["land", "environment", "agriculture", "resettlement"],
        9,
    ),
    agency("H99.5", ("Sở Công Thương", "Department of Industry and Trade"), &["trade"], 4),
    agency("H99.6", ("Sở Giáo dục và Đào tạo", "Department of Education and Training"), &["education"], 4),
    agency("H99.7", ("Sở Y tế", "Department of Health"), &["health"], 5),
    agency("H99.8", ("Sở Khoa học và Công nghệ", "Department of Science and Technology"), &["science"], 2),
    agency(
        "H99.9",
        ("Sở Văn hóa, Thể thao và Du lịch", "Department of Culture, Sports and Tourism"),
        &["culture"],
        2,
    ),
    agency("H99.10", ("Sở Tư pháp", "Department of Justice"), &["justice", "civil-status"], 7),
    agency(
        "H99.11",
        ("Sở Dân tộc và Tôn giáo", "Department of Ethnic and Religious Affairs"),
        &["religion"],
        1,
    ),
    agency(
        "H99.12",
        ("Ban Quản lý các khu công nghiệp", "Industrial Zones Authority"),
        &["business", "construction", "environment", "labour"],
        3,
    ),
    agency("H99.13", ("Văn phòng Đăng ký đất đai", "Land Registration Office"), &["land"], 12),
    agency(
        "H99.14",
        ("Trung tâm Phát triển quỹ đất", "Land Fund Development Centre"),
        &["resettlement", "land"],
        3,
    ),
];

/// The fields that every commune handles.
pub(super) const COMMUNE_FIELDS: &[&str] = &[
    "civil-status",
    "land",
    "resettlement",
    "construction",
    "business",
    "labour",
    "education",
    "health",
    "justice",
    "environment",
    "agriculture",
    "culture",
    "religion",
    "trade",
    "transport",
    "science",
];

/// Communes (xã) and wards (phường), each with the weight of its cases.
pub(super) const COMMUNES: &[(&str, u64)] = &[
    ("xã A1", 3),
    ("xã A2", 2),
    ("xã A3", 4),
    ("xã A4", 2),
    ("xã A5", 3),
    ("xã A6", 1),
    ("xã A7", 3),
    ("xã A8", 2),
    ("xã A9", 2),
    ("xã A10", 4),
    ("phường B1", 8),
    ("phường B2", 7),
    ("phường B3", 6),
    ("phường B4", 5),
    ("phường B5", 6),
    ("phường B6", 4),
];

/// The unit that receives cases and returns results; every agency has it.
pub(super) const ONE_STOP: (&str, Name) =
    ("one-stop", ("Bộ phận Tiếp nhận và Trả kết quả", "Reception and Results Desk"));

/// The other units of a department.
pub(super) const DEPARTMENT_UNITS: &[(&str, Name)] = &[
    ("appraisal", ("Phòng Thẩm định", "Appraisal Division")),
    ("specialist", ("Phòng Chuyên môn", "Specialist Division")),
    ("legal", ("Phòng Pháp chế", "Legal Division")),
    ("office", ("Văn phòng", "Office")),
];

/// The other units of a commune.
pub(super) const COMMUNE_UNITS: &[(&str, Name)] = &[
    ("economy", ("Phòng Kinh tế", "Economic Division")),
    ("society", ("Phòng Văn hóa - Xã hội", "Culture and Society Division")),
    ("cadastre", ("Tổ Địa chính", "Cadastral Team")),
    ("office", ("Văn phòng HĐND và UBND", "Office of the People's Council and Committee")),
];

/// The steps of a case, in the order they are done.
pub(super) const STEPS: &[&str] = &[
    "check file",
    "enter data",
    "check for earlier files",
    "verify on site",
    "measure and map",
    "ask another agency",
    "post publicly",
    "appraise",
    "set fees and duties",
    "draft decision",
    "check legality",
    "submit for signature",
];

/// What is done with a document.
pub(super) const DOCUMENT_ACTIONS: [Name; 4] =
    [("Cấp", "Issue"), ("Cấp lại", "Reissue"), ("Điều chỉnh", "Amend"), ("Cấp bản sao", "Issue a copy of")];

/// What is done with a dossier.
pub(super) const DOSSIER_ACTIONS: [Name; 4] =
    [("Thẩm định", "Appraise"), ("Phê duyệt", "Approve"), ("Điều chỉnh", "Amend"), ("Công bố", "Publish")];

/// On whose level a procedure is.
pub(super) const PROVINCE_LEVEL: Name = ("cấp tỉnh", "province");
pub(super) const COMMUNE_LEVEL: Name = ("cấp xã", "commune");

/// A field of procedures, with the documents and the dossiers it is about.
pub(super) struct Field {
    pub(super) tag: &'static str,
    pub(super) documents: [Name; 5],
    pub(super) dossiers: [Name; 2],
}

/// The fields: 16 × 7 things × 4 actions on two levels are more than the 872 procedures there are.
pub(super) const FIELDS: &[Field] = &[
    Field {
        tag: "land",
        documents: [
            ("giấy chứng nhận quyền sử dụng đất", "land use right certificate"),
            ("quyết định giao đất", "land allocation decision"),
            ("quyết định cho thuê đất", "land lease decision"),
            ("quyết định chuyển mục đích sử dụng đất", "change of land use decision"),
            ("trích lục bản đồ địa chính", "cadastral map extract"),
        ],
        dossiers: [
            ("phương án sử dụng đất", "land use plan"),
            ("hồ sơ đăng ký biến động đất đai", "land change registration"),
        ],
    },
    Field {
        tag: "resettlement",
        documents: [
            ("quyết định hỗ trợ tái định cư", "resettlement support decision"),
            ("quyết định giao đất tái định cư", "resettlement land decision"),
            ("giấy xác nhận đối tượng tái định cư", "resettlement eligibility confirmation"),
            ("quyết định hỗ trợ ổn định đời sống", "livelihood support decision"),
            ("quyết định chi trả bồi thường", "compensation payment decision"),
        ],
        dossiers: [
            ("phương án bồi thường, hỗ trợ", "compensation and support plan"),
            ("kế hoạch thu hồi đất", "land recovery plan"),
        ],
    },
    Field {
        tag: "construction",
        documents: [
            ("giấy phép xây dựng", "construction permit"),
            ("giấy phép sửa chữa, cải tạo", "renovation permit"),
            ("giấy phép di dời công trình", "relocation permit"),
            ("chứng chỉ hành nghề xây dựng", "construction practice certificate"),
            ("giấy phép xây dựng có thời hạn", "temporary construction permit"),
        ],
        dossiers: [("thiết kế xây dựng", "construction design"), ("quy hoạch chi tiết", "detailed plan")],
    },
    Field {
        tag: "civil-status",
        documents: [
            ("giấy khai sinh", "birth certificate"),
            ("giấy chứng nhận kết hôn", "marriage certificate"),
            ("giấy xác nhận tình trạng hôn nhân", "marital status confirmation"),
            ("trích lục khai tử", "death certificate extract"),
            ("giấy chứng nhận giám hộ", "guardianship certificate"),
        ],
        dossiers: [
            ("hồ sơ nhận cha, mẹ, con", "parentage recognition"),
            ("hồ sơ cải chính hộ tịch", "civil status correction"),
        ],
    },
    Field {
        tag: "business",
        documents: [
            ("giấy chứng nhận đăng ký doanh nghiệp", "enterprise registration certificate"),
            ("giấy chứng nhận đăng ký hộ kinh doanh", "household business certificate"),
            ("giấy chứng nhận đăng ký hợp tác xã", "cooperative registration certificate"),
            ("giấy chứng nhận đăng ký đầu tư", "investment registration certificate"),
            ("giấy xác nhận tạm ngừng kinh doanh", "business suspension confirmation"),
        ],
        dossiers: [
            ("chủ trương đầu tư", "investment policy"),
            ("hồ sơ hỗ trợ doanh nghiệp nhỏ", "small enterprise support"),
        ],
    },
    Field {
        tag: "transport",
        documents: [
            ("giấy phép lái xe", "driving licence"),
            ("giấy phép kinh doanh vận tải", "transport business licence"),
            ("phù hiệu xe", "vehicle badge"),
            ("giấy phép lưu hành đặc biệt", "special circulation permit"),
            ("giấy phép thi công trên đường bộ", "roadworks permit"),
        ],
        dossiers: [
            ("phương án tổ chức giao thông", "traffic plan"),
            ("đấu nối vào đường bộ", "road connection"),
        ],
    },
    Field {
        tag: "education",
        documents: [
            ("quyết định thành lập trường", "school establishment decision"),
            ("giấy phép hoạt động giáo dục", "education licence"),
            ("giấy phép dạy thêm", "extra teaching permit"),
            ("quyết định chuyển trường", "school transfer decision"),
            ("bằng tốt nghiệp", "graduation diploma"),
        ],
        dossiers: [
            ("chế độ hỗ trợ học sinh", "pupil support"),
            ("đánh giá chất lượng trường", "school quality assessment"),
        ],
    },
    Field {
        tag: "health",
        documents: [
            ("giấy phép hành nghề khám bệnh", "medical practice licence"),
            ("giấy phép hoạt động phòng khám", "clinic licence"),
            ("chứng chỉ hành nghề dược", "pharmacy practice certificate"),
            ("giấy chứng nhận an toàn thực phẩm", "food safety certificate"),
            ("giấy xác nhận khuyết tật", "disability confirmation"),
        ],
        dossiers: [
            ("hồ sơ quảng cáo thuốc", "medicine advertising"),
            ("điều kiện cơ sở dược", "pharmacy conditions"),
        ],
    },
    Field {
        tag: "labour",
        documents: [
            ("giấy phép lao động", "work permit"),
            ("giấy phép cho thuê lại lao động", "labour leasing licence"),
            ("sổ ưu đãi người có công", "merit benefits book"),
            ("quyết định trợ cấp xã hội", "social allowance decision"),
            ("giấy xác nhận hộ nghèo", "poor household confirmation"),
        ],
        dossiers: [
            ("nội quy lao động", "labour rules"),
            ("hồ sơ trợ cấp thất nghiệp", "unemployment benefit"),
        ],
    },
    Field {
        tag: "environment",
        documents: [
            ("giấy phép môi trường", "environmental permit"),
            ("giấy phép khai thác nước", "water extraction permit"),
            ("giấy phép xả thải", "discharge permit"),
            ("giấy phép khai thác khoáng sản", "mining permit"),
            ("giấy xác nhận đăng ký môi trường", "environmental registration"),
        ],
        dossiers: [
            ("báo cáo đánh giá tác động môi trường", "environmental impact report"),
            ("phương án cải tạo môi trường", "environmental restoration plan"),
        ],
    },
    Field {
        tag: "agriculture",
        documents: [
            ("giấy chứng nhận kiểm dịch", "quarantine certificate"),
            ("giấy phép nuôi trồng thủy sản", "aquaculture permit"),
            ("giấy phép buôn bán thuốc thú y", "veterinary medicine licence"),
            ("giấy chứng nhận kinh tế trang trại", "farm certificate"),
            ("giấy phép khai thác gỗ", "timber harvest permit"),
        ],
        dossiers: [
            ("phương án quản lý rừng", "forest management plan"),
            ("hồ sơ hỗ trợ thiệt hại thiên tai", "disaster loss support"),
        ],
    },
    Field {
        tag: "trade",
        documents: [
            ("giấy phép bán lẻ rượu", "alcohol retail licence"),
            ("giấy phép kinh doanh xăng dầu", "fuel trade licence"),
            ("giấy phép hoạt động điện lực", "electricity licence"),
            ("giấy phép bán lẻ thuốc lá", "tobacco retail licence"),
            ("giấy phép kinh doanh khí", "gas trade licence"),
        ],
        dossiers: [
            ("chương trình khuyến mại", "sales promotion"),
            ("phương án phát triển chợ", "market development plan"),
        ],
    },
    Field {
        tag: "culture",
        documents: [
            ("giấy phép biểu diễn nghệ thuật", "performance permit"),
            ("giấy phép kinh doanh karaoke", "karaoke licence"),
            ("thẻ hướng dẫn viên du lịch", "tour guide card"),
            ("giấy phép kinh doanh lữ hành", "travel business licence"),
            ("giấy phép quảng cáo", "advertising permit"),
        ],
        dossiers: [("tổ chức lễ hội", "festival organisation"), ("tu bổ di tích", "monument restoration")],
    },
    Field {
        tag: "justice",
        documents: [
            ("phiếu lý lịch tư pháp", "criminal record certificate"),
            ("chứng thực hợp đồng", "contract certification"),
            ("chứng thực chữ ký", "signature certification"),
            ("thẻ công chứng viên", "notary card"),
            ("giấy đăng ký hoạt động luật sư", "law practice registration"),
        ],
        dossiers: [("hồ sơ trợ giúp pháp lý", "legal aid"), ("hồ sơ nuôi con nuôi", "adoption")],
    },
    Field {
        tag: "religion",
        documents: [
            ("giấy đăng ký sinh hoạt tôn giáo", "religious gathering registration"),
            ("giấy xác nhận người có uy tín", "respected person confirmation"),
            ("giấy đăng ký hoạt động tín ngưỡng", "belief activity registration"),
            ("giấy xác nhận thành phần dân tộc", "ethnicity confirmation"),
            ("giấy phép in kinh sách", "scripture printing permit"),
        ],
        dossiers: [
            ("chương trình hoạt động tôn giáo", "religious programme"),
            ("hỗ trợ đồng bào dân tộc", "ethnic community support"),
        ],
    },
    Field {
        tag: "science",
        documents: [
            ("giấy chứng nhận hoạt động khoa học", "science activity certificate"),
            ("giấy phép sử dụng thiết bị bức xạ", "radiation equipment licence"),
            ("giấy phép trang tin điện tử", "website licence"),
            ("giấy chứng nhận doanh nghiệp công nghệ", "technology enterprise certificate"),
            ("giấy phép bưu chính", "postal licence"),
        ],
        dossiers: [
            ("đề tài nghiên cứu", "research project"),
            ("chuyển giao công nghệ", "technology transfer"),
        ],
    },
];
