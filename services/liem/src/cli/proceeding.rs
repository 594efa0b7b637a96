//! The command line of proceedings.

use clap::ValueEnum;

words! {
    PersonClass discipline { Cadre CivilServant PublicEmployee PartyMember PartyOrganisation PoliceOfficer }
}
