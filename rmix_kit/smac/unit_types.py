"""What the units of SMAC are: facts about StarCraft II (4.10, without upgrades) in SMAC's units of measure.

Lengths are in map cells, periods in seconds of "normal" game speed, sixteen game loops each. Sources: Liquipedia's unit
pages (damage, attributes, range, period at normal speed, armour, speed), the SMAC maps' own unit data for the allied
clones (life, shields, speed, radius), and SMAC's ``unit_max_cooldown`` for the scale of the observed cooldown.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType

LOOPS_PER_SECOND = 16.0
SHIELD_DELAY = 10.0  # seconds without damage until shields return
SHIELD_PER_SECOND = 2.0
ENERGY_PER_SECOND = 0.5625
LARGEST_ENERGY = 200.0
HEALTH_PER_SECOND = 9.0  # a medivac's healing
HEALTH_PER_ENERGY = 3.0
LEAST_DAMAGE = 0.5  # of one attack, whatever the armour


@dataclass(frozen=True, kw_only=True)
class UnitType:
    """One kind of unit.

    Attributes:
        health: Hit points.
        shield: Shield points; shields have no armour.
        armour: Taken off every attack on hit points.
        speed: Cells per second.
        radius: Of the body, in cells.
        reach: Weapon (or healing) range between bodies, in cells.
        damage: Per attack.
        attacks: Per shot.
        period: Seconds between shots.
        bonus: Extra damage per attack on units with ``bonus_against``.
        bonus_against: An attribute, or empty.
        attributes: Such as "light", "armored", "biological", "mechanical".
        is_flying: Out of reach of weapons that cannot shoot up; passes over everything.
        shoots_up: The weapon reaches flying units.
        splash: Half the width of the line that a shot sweeps across its direction; 0 for single shots.
        energy: At the start of a battle.
        max_cooldown: What SMAC divides the observed cooldown by, in loops; for a medivac, the energy.
    """

    health: float
    shield: float = 0.0
    armour: float = 0.0
    speed: float
    radius: float
    reach: float
    damage: float = 0.0
    attacks: int = 1
    period: float = 1.0
    bonus: float = 0.0
    bonus_against: str = ""
    attributes: frozenset[str]
    is_flying: bool = False
    shoots_up: bool = False
    splash: float = 0.0
    energy: float = 0.0
    max_cooldown: float

    @property
    def heals(self) -> bool:
        """Whether this unit mends others instead of shooting."""
        return self.damage == 0.0

    def damage_to(self, other: UnitType) -> tuple[float, float]:
        """Return what one shot takes off another unit's shield and hit points.

        Returns:
            Damage to shields and damage to hit points, in points per shot.
        """
        single = self.damage + (self.bonus if self.bonus_against in other.attributes else 0.0)
        if not single:
            return 0.0, 0.0
        return single * self.attacks, max(single - other.armour, LEAST_DAMAGE) * self.attacks

    def can_shoot(self, other: UnitType) -> bool:
        """Return whether the weapon reaches units of another type at all."""
        return not self.heals and (self.shoots_up or not other.is_flying)


_LIGHT = frozenset({"light", "biological"})

UNIT_TYPES = MappingProxyType(
    {
        "marine": UnitType(
            health=45,
            speed=2.25,
            radius=0.375,
            reach=5,
            damage=6,
            period=0.8608,
            attributes=_LIGHT,
            shoots_up=True,
            max_cooldown=15,
        ),
        "marauder": UnitType(
            health=125,
            armour=1,
            speed=2.25,
            radius=0.5625,
            reach=6,
            damage=10,
            period=1.5,
            bonus=10,
            bonus_against="armored",
            attributes=frozenset({"armored", "biological"}),
            max_cooldown=25,
        ),
        "medivac": UnitType(
            health=150,
            armour=1,
            speed=2.5,
            radius=0.75,
            reach=4,
            attributes=frozenset({"armored", "mechanical"}),
            is_flying=True,
            energy=50,
            max_cooldown=200,
        ),
        "stalker": UnitType(
            health=80,
            shield=80,
            armour=1,
            speed=2.9531,
            radius=0.625,
            reach=6,
            damage=13,
            period=1.87,
            bonus=5,
            bonus_against="armored",
            attributes=frozenset({"armored", "mechanical"}),
            shoots_up=True,
            max_cooldown=35,
        ),
        "zealot": UnitType(
            health=100,
            shield=50,
            armour=1,
            speed=2.25,
            radius=0.5,
            reach=0.1,
            damage=8,
            attacks=2,
            period=1.2,
            attributes=_LIGHT,
            max_cooldown=22,
        ),
        "colossus": UnitType(
            health=200,
            shield=150,
            armour=1,
            speed=2.25,
            radius=1.0,
            reach=7,
            damage=10,
            attacks=2,
            period=1.5,
            bonus=5,
            bonus_against="light",
            attributes=frozenset({"armored", "mechanical", "massive"}),
            splash=1.4,
            max_cooldown=24,
        ),
        "zergling": UnitType(
            health=35,
            speed=2.9531,
            radius=0.375,
            reach=0.1,
            damage=5,
            period=0.696,
            attributes=_LIGHT,
            max_cooldown=11,
        ),
    }
)
